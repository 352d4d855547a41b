"""From settings to the post: a folder of files, or an SMTP server. Nothing is connected here."""

from __future__ import annotations

from pathlib import Path

from connector.adapters.mail_folder import MailFolder
from connector.adapters.mail_smtp import SmtpPost, SmtpServer
from connector.config import Config
from connector.ports_mail import MailPost


def mail_post(*, config: Config) -> MailPost:
    """How mail leaves."""
    mail = config.mail
    if mail.transport == "folder":
        return MailFolder(folder=Path(mail.folder), sender=mail.sender)
    server = SmtpServer(
        host=mail.host,
        port=mail.port,
        security=mail.security,
        username=mail.username,
        password=config.secrets.mail_password.get_secret_value(),
        timeout=mail.timeout,
    )
    return SmtpPost(server=server, sender=mail.sender)
