"""A private mail host with Sendmail instead of Postfix. What its tests see and how they ask is that of MailHost."""

import json
from pathlib import Path

from .mail_host import MailHost
from .sendmail import PrivateSendmail
from .sendmail_files import unpack
from .smtp_client import SmtpClient


class SendmailHost(MailHost):
    """`client` is an address of 127.0.0.0/8. The files of Sendmail are kept in the build directory."""

    def _make_mta(self, build, _settings):
        self.mta = PrivateSendmail(self.directory / "sendmail", self.certificates, unpack(Path(build) / "sendmail"))

    def _apply_lines(self):
        printed = [self.daemon.control_tool("sendmail"), self.daemon.control_tool("--json", "sendmail")]
        if any(status != 0 for status, _ in printed):
            raise RuntimeError(f"connectorctl sendmail: {printed[0][1]}")
        self.mta.apply(printed[0][1], json.loads(printed[1][1]))

    def _open(self, listener, client):
        return SmtpClient(self.mta.ports[listener], source=client)
