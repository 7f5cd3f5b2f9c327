"""An S3-compatible object store (moto) on loopback."""

from __future__ import annotations

import logging
from pathlib import Path
from typing import Any
from uuid import uuid4

import boto3
from moto.server import ThreadedMotoServer

ACCESS_KEY, SECRET_KEY = "hub-of-the-test", "s3cret-of-the-test"


class ObjectStore:
    """The store; `bucket()` gives an empty bucket of it."""

    def __init__(self) -> None:
        logging.getLogger("werkzeug").setLevel(logging.ERROR)
        self._server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
        self._server.start()
        self.endpoint = "http://{}:{}".format(*self._server.get_host_and_port())
        self.client: Any = boto3.client(
            "s3", endpoint_url=self.endpoint, aws_access_key_id=ACCESS_KEY, aws_secret_access_key=SECRET_KEY,
            region_name="us-east-1",
        )  # fmt: skip

    def bucket(self) -> str:
        """The name of a new bucket."""
        name = f"t-{uuid4().hex[:12]}"
        self.client.create_bucket(Bucket=name)
        return name

    def secret(self, bucket: str, prefix: str = "") -> dict[str, Any]:
        """A secret that opens a folder of a bucket."""
        return {
            "url": f"s3://{bucket}/{prefix}", "endpoint": self.endpoint, "access_key": ACCESS_KEY,
            "secret_key": SECRET_KEY,
        }  # fmt: skip

    def keys(self, bucket: str) -> list[str]:
        """The names of all objects."""
        pages = self.client.get_paginator("list_objects_v2").paginate(Bucket=bucket)
        return [item["Key"] for page in pages for item in page.get("Contents", ())]

    def upload(self, folder: Path, bucket: str, prefix: str = "") -> None:
        """Everything below a folder, manifests last, as a sender would."""
        for path in sorted(folder.rglob("*"), key=lambda path: path.name == "manifest.json"):
            if path.is_file():
                self.client.upload_file(str(path), bucket, f"{prefix}{path.relative_to(folder).as_posix()}")

    def close(self) -> None:
        self._server.stop()
