"""The settings of mail: how it leaves, and from whom. The password comes from the environment alone."""

from __future__ import annotations

from typing import Literal

from pydantic import Field, model_validator

from connector.config_billing import Section

_LOOPBACK = ("127.0.0.1", "localhost", "::1")


class MailSettings(Section):
    """A folder of files, or an SMTP server. `security` none is for a server on this machine only."""

    transport: Literal["folder", "smtp"] = "folder"
    folder: str = Field(default="var/mail", min_length=1)
    sender: str = Field(default="billing@countersign.invalid", pattern=r"^[^@\s]+@[^@\s]+\.[^@\s]+$")
    host: str = ""
    port: int = Field(default=587, ge=1, le=65535)
    security: Literal["starttls", "tls", "none"] = "starttls"
    username: str = ""
    timeout: float = Field(default=30, ge=1, le=120)
    largest_attachment: int = Field(default=8_000_000, ge=0, le=50_000_000)

    @model_validator(mode="after")
    def _can_leave(self) -> MailSettings:
        if self.transport == "folder":
            return self
        if not self.host:
            raise ValueError("host is needed with transport = 'smtp'")
        if self.sender.endswith(".invalid"):
            raise ValueError("sender is needed with transport = 'smtp': an address that your mail server may send from")
        if self.security == "none" and self.host not in _LOOPBACK:
            raise ValueError("security = 'none' is only for a mail server on this machine")
        if self.security == "none" and self.username:
            raise ValueError("username needs security, or the password would travel in the clear")
        return self
