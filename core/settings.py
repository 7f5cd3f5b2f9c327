"""Settings of one installation: defaults, `HUTONG_HOME/hutong.toml`, files named by `HUTONG_*_FILE`, then `HUTONG_*` in the
environment (the last wins)."""

from __future__ import annotations

import os
import re
import tomllib
from pathlib import Path
from typing import Any, Literal, NamedTuple
from urllib.parse import quote, urlsplit, urlunsplit

from pydantic import Field, SecretStr, ValidationError
from pydantic.fields import FieldInfo
from pydantic_settings import BaseSettings, PydanticBaseSettingsSource, SettingsConfigDict, TomlConfigSettingsSource

from core.errors import NotReady
from core.text import T

PROJECT = Path(__file__).resolve().parent.parent
FILE = "hutong.toml"


def home() -> Path:
    """The folder that holds all state of this installation (`HUTONG_HOME`, default `.hutong` in the project folder)."""
    return Path(os.environ.get("HUTONG_HOME") or PROJECT / ".hutong").expanduser().absolute()


class Settings(BaseSettings):
    """Everything an operator may set. Secrets of departmental systems are not settings (core.secrets)."""

    model_config = SettingsConfigDict(env_prefix="HUTONG_", extra="forbid")

    home: Path = Field(default_factory=home, description="所有状态所在目录 / folder of all state")
    database_url: str | None = Field(None, description="PostgreSQL 18 DSN;空 = 内置 / empty = embedded")
    database_password: SecretStr | None = Field(
        None, description="其密码,不写入地址 / its password, not in the address"
    )
    airflow_database_url: str | None = Field(
        None, description="Airflow 自用数据库;空 = 内置或同一服务器 / Airflow's own database, empty = beside the hub's"
    )
    airflow_database_password: SecretStr | None = Field(None, description="其密码 / its password")
    broker_url: str | None = Field(
        None,
        description="任务队列 redis;空 = 任务在本机执行 / redis for Celery workers, empty = tasks run in the scheduler",
    )
    broker_password: SecretStr | None = Field(None, description="其密码 / its password")
    landing_url: str | None = Field(None, description="落地区地址;空 = HOME/landing / landing store, a folder or s3://")
    city: str = Field("示范市", description="城市名称 / name of the city")
    division: str = Field("430900", pattern=r"^\d{6}$", description="本市行政区划代码 GB/T 2260 / division of the city")
    timezone: str = Field("Asia/Shanghai", description="业务日期所用时区 / zone of business dates")
    lang: Literal["zh", "en"] | None = Field(
        None, description="命令行语言;空 = 随系统 / language, empty = the locale's"
    )
    host: str = Field("127.0.0.1", description="监听地址 / address to bind")
    port: int = Field(8000, ge=0, le=65535, description="接口端口 / API port")
    airflow_port: int = Field(8080, ge=0, le=65535, description="Airflow 端口 / Airflow port")
    api_url: str | None = Field(
        None, description="已在别处运行的接口;空 = 由 up 启动 / API that runs elsewhere, empty = up starts it"
    )
    airflow_url: str | None = Field(
        None, description="已在别处运行的 Airflow;空 = 由 up 启动 / Airflow that runs elsewhere, empty = up starts it"
    )
    api_processes: int = Field(1, ge=1, le=64, description="接口进程数 / processes of the API")
    tasks: int = Field(4, ge=1, le=64, description="一台机器同时执行的任务数 / tasks at once on one machine")
    chunk_rows: int = Field(200_000, ge=1_000, le=2_000_000, description="每块行数 / rows a chunk")
    token_minutes: int = Field(60, ge=1, le=1440, description="令牌有效分钟数 / minutes a token lives")
    keep_landing_days: int | None = Field(
        None,
        ge=30,
        description="落地文件保留天数,此前的由检查点代替;空 = 依契约 / days landed files are kept, empty = as contracts say",
    )
    keep_history_years: int | None = Field(
        None, ge=1, description="契约未写保留期时历史保留年数;空 = 不删 / years of history where a contract is silent"
    )
    keep_audit_years: int | None = Field(
        None, ge=3, description="审计日志保留年数,至少 3;空 = 不删 / years of the audit log, 3 at least, empty = all"
    )
    demo_database_url: str | None = Field(
        None,
        description="示范部门数据库所在服务器(管理员);空 = 内置 / server for the demo's departments, empty = embedded",
    )
    demo_database_password: SecretStr | None = Field(None, description="其密码 / its password")

    @classmethod
    def settings_customise_sources(
        cls, settings_cls: type[BaseSettings], init_settings: PydanticBaseSettingsSource, *_: Any, **others: Any
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """Arguments, then the environment, then the files it names, then the settings file."""
        env = others.get("env_settings") or _[0]
        return (
            init_settings,
            env,
            _Named(settings_cls),
            TomlConfigSettingsSource(settings_cls, toml_file=home() / FILE),
        )

    @property
    def landing(self) -> str:
        """Where batches land: a path or a URL."""
        return self.landing_url or str(self.home / "landing")


class _Named(PydanticBaseSettingsSource):
    """`HUTONG_<NAME>_FILE`: the setting is what that file holds, as container platforms hand out secrets."""

    def get_field_value(self, field: FieldInfo, field_name: str) -> tuple[Any, str, bool]:
        return from_file(f"HUTONG_{field_name.upper()}"), field_name, False

    def __call__(self) -> dict[str, Any]:
        found = {name: self.get_field_value(field, name)[0] for name, field in self.settings_cls.model_fields.items()}
        return {name: value for name, value in found.items() if value is not None}


def from_file(variable: str) -> str | None:
    """What the file named by `<variable>_FILE` holds, without the line's end; None when none is named."""
    path = os.environ.get(f"{variable}_FILE")
    if not path:
        return None
    try:
        return Path(path).read_text("utf-8").rstrip("\r\n")
    except (OSError, UnicodeDecodeError) as error:
        why = getattr(error, "strerror", None) or "UTF-8"
        raise NotReady(
            T(
                f"{variable}_FILE 指向的文件 {path} 读不出:{why}。",
                f"{variable}_FILE names {path}, which cannot be read: {why}.",
            ),
            remedy=T("检查该文件及其权限。", "Check the file and its permissions."),
        ) from error


def load(**overrides: Any) -> Settings:
    """The settings in force; a wrong value is refused by name, with where it was set."""
    try:
        return Settings(**overrides)
    except tomllib.TOMLDecodeError as error:
        raise NotReady(
            T(f"配置文件 {home() / FILE} 不是有效的 TOML:{error}。", f"{home() / FILE} is not valid TOML: {error}."),
            remedy=T(
                "改正该行,或删除此文件以使用默认值。", "Correct that line, or delete the file to use the defaults."
            ),
        ) from error
    except ValidationError as error:
        first = error.errors(include_input=False, include_url=False)[0]
        name = ".".join(str(part) for part in first["loc"])
        raise NotReady(
            T(f"配置项 {name} 不正确:{first['msg']}。", f"Setting {name} is wrong: {first['msg']}."),
            remedy=T(
                f"检查环境变量 HUTONG_{name.upper()} 与 {home() / FILE}。",
                f"Check HUTONG_{name.upper()} in the environment and {home() / FILE}.",
            ),
        ) from error


class Shown(NamedTuple):
    """One setting as `hutong config show` prints it."""

    name: str
    value: str
    origin: str
    about: str


def explain(settings: Settings) -> list[Shown]:
    """Each setting, its value without any password, and where it came from."""
    written = _file(home() / FILE)
    shown = []
    for name, field in Settings.model_fields.items():
        variable = f"HUTONG_{name.upper()}"
        origin = next((said for said in (variable, f"{variable}_FILE") if os.environ.get(said)), None)
        origin = origin or (FILE if name in written else "default")
        if name == "home" and settings.home == PROJECT / ".hutong":
            origin = "default"  # commands say where they are to the processes they start
        shown.append(Shown(name, without_password(getattr(settings, name)), origin, field.description or ""))
    return shown


def _file(path: Path) -> dict[str, Any]:
    return tomllib.loads(path.read_text("utf-8")) if path.exists() else {}


def with_password(url: str, password: SecretStr | None) -> str:
    """A URL with the password that was given apart from it."""
    if password is None:
        return url
    parts = urlsplit(url)
    host = parts.netloc.rpartition("@")[2]
    return urlunsplit(
        parts._replace(netloc=f"{parts.username or ''}:{quote(password.get_secret_value(), safe='')}@{host}")
    )


#: names of a URL's parameters that are nobody's business: libpq's password and sslpassword, an object store's secret_key …
_HIDDEN = re.compile(r"(?i)\b([a-z_]*(?:pass|pwd|secret|token|key)[a-z_]*)=[^&]*")


def without_password(value: object) -> str:
    """A value as text; a URL loses its password, wherever it stands in it."""
    text = "" if value is None else str(value)
    parts = urlsplit(text)
    if not parts.scheme:
        return text
    parts = parts._replace(query=_HIDDEN.sub(r"\1=***", parts.query))
    if parts.password is None:
        return urlunsplit(parts) if parts.query else text
    host = parts.netloc.rpartition("@")[2]
    return urlunsplit(parts._replace(netloc=f"{parts.username}:***@{host}"))
