"""A real SFTP server (asyncssh) on loopback that hangs up or falls silent on demand."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Coroutine
from pathlib import Path
from typing import Any, TypeVar

import asyncssh

USER = "hub"
PASSWORD = "s3cret of the test/@:"
T = TypeVar("T")


class SftpServer:
    """Serves a folder as `/`. `hang_up_after` and `silent_after`: bytes of file content after which it does so."""

    def __init__(self, root: Path, algorithm: str = "ssh-ed25519") -> None:
        self.root = root
        self.hang_up_after: int | None = None
        self.silent_after: int | None = None
        self.sent = 0
        self.key = asyncssh.generate_private_key(algorithm)
        self.user_key = asyncssh.generate_private_key("ssh-ed25519")
        self._loop = asyncio.new_event_loop()
        threading.Thread(target=self._loop.run_forever, daemon=True).start()
        self._server: Any = self._run(self._listen(0))
        self.port = int(self._server.get_port())

    @property
    def host_key(self) -> str:
        """What ssh-keyscan would print."""
        return f"[127.0.0.1]:{self.port} {self.key.export_public_key().decode()}"

    def secret(self, **changes: Any) -> dict[str, Any]:
        """A secret that opens it by password."""
        url = f"sftp://{USER}@127.0.0.1:{self.port}/"
        return {"url": url, "password": PASSWORD, "host_key": self.host_key, **changes}

    def restart(self) -> None:
        """The same address with another host key."""
        self.stop()
        self.key = asyncssh.generate_private_key("ssh-ed25519")
        self._server = self._run(self._listen(self.port))

    def stop(self) -> None:
        """No longer listen."""
        self._run(self._close())

    def close(self) -> None:
        """End it, with whatever is still being served."""
        self.stop()
        self._run(self._cancel())
        self._loop.call_soon_threadsafe(self._loop.stop)

    async def _close(self) -> None:  # in the loop's own thread: a connection may be ending at this moment
        self._server.close()
        await self._server.wait_closed()

    async def _cancel(self) -> None:
        others = asyncio.all_tasks() - {asyncio.current_task()}
        for task in others:
            task.cancel()
        await asyncio.gather(*others, return_exceptions=True)

    def _run(self, work: Coroutine[Any, Any, T]) -> T:
        return asyncio.run_coroutine_threadsafe(work, self._loop).result(20)

    async def _listen(self, port: int) -> Any:
        outer = self

        class Auth(asyncssh.SSHServer):
            def begin_auth(self, username: str) -> bool:
                return True

            def password_auth_supported(self) -> bool:
                return True

            def validate_password(self, username: str, password: str) -> bool:
                return (username, password) == (USER, PASSWORD)

            def public_key_auth_supported(self) -> bool:
                return True

            def validate_public_key(self, username: str, key: asyncssh.SSHKey) -> bool:
                return username == USER and key.public_data == outer.user_key.public_data

        class Files(asyncssh.SFTPServer):
            def __init__(self, channel: Any) -> None:
                super().__init__(channel, chroot=str(outer.root).encode())

            async def read(self, file_obj: Any, offset: int, size: int) -> bytes:
                if outer.hang_up_after is not None and outer.sent >= outer.hang_up_after:
                    self.channel.get_connection().abort()
                if outer.silent_after is not None and outer.sent >= outer.silent_after:
                    await asyncio.sleep(3600)
                found = super().read(file_obj, offset, size)
                content = await found if asyncio.iscoroutine(found) else found
                outer.sent += len(content)  # type: ignore[arg-type]
                return content  # type: ignore[return-value]

        return await asyncssh.listen(
            "127.0.0.1", port, server_factory=Auth, server_host_keys=[self.key], sftp_factory=Files, allow_scp=False
        )
