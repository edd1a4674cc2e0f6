"""What every integration test builds on: a mail host of its own with the configuration that the test states, and the words to judge by."""

import os
import re
import socket
import shutil
import sys
import tempfile
import unittest
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "packaging"))
from private_mta import wait  # noqa: E402,F401
from private_mta.daemon import ConnectorMilter  # noqa: E402
from private_mta.mail_host import MailHost  # noqa: E402
from private_mta.smtp_client import SmtpClient, message  # noqa: E402,F401

ORGANIZATION = """
organization = { domains = [ ".contoso.example" ]; };
listeners = ( { name = "mx"; }, { name = "relay"; closed = true; }, { name = "submission"; } );
"""
STRANGER, FABRIKAM, PROVIDER, PRINTER, EXCHANGE, BACKUP = "192.0.2.66", "203.0.113.9", "198.51.100.7", "10.20.0.9", "10.1.0.5", "203.0.113.200"
ANNA = "anna@contoso.example"


def kernel_has_ipv6():
    try:
        socket.socket(socket.AF_INET6).close()
    except OSError:
        return False
    return True


def build_directory():
    return Path(os.environ["CM_BUILD"])


def full():
    """Whether the long form is wanted (tests/run --release)."""
    return os.environ.get("CM_FULL") == "yes"


def check_end(daemon, status):
    """A daemon that ended must have done so as asked, without a word of a sanitizer."""
    report = daemon.sanitizer_report()
    if report or status != 0:
        raise AssertionError(f"connector-milter ended with status {status}: {report or daemon.log()[-2000:]}")


class DaemonScenario(unittest.TestCase):
    """The daemon alone, for tests that speak to its sockets. `config` is its configuration; one daemon serves all tests of a class."""

    config = ORGANIZATION
    daemon = None

    @classmethod
    def setUpClass(cls):
        cls.directory = Path(tempfile.mkdtemp(prefix="daemon-", dir="/tmp"))
        cls.daemon = ConnectorMilter(build_directory(), cls.directory)
        cls.arrange(cls.daemon)
        cls.daemon.configure(cls.config)
        cls.daemon.start()

    @classmethod
    def arrange(cls, daemon):
        """What a class of tests changes in its daemon before that is configured and started."""

    def assert_alive(self):
        status = self.daemon.process.poll()
        if status is not None:
            self.daemon.start()  # for the other tests
        self.assertIsNone(status, f"the daemon died: {self.daemon.sanitizer_report() or self.daemon.log()[-1000:]}")

    @classmethod
    def tearDownClass(cls):
        try:
            check_end(cls.daemon, cls.daemon.stop())
        finally:
            shutil.rmtree(cls.directory, ignore_errors=True)


class Scenario(unittest.TestCase):
    """`config` is the daemon's configuration, `settings` further main.cf parameters. One mail host serves all tests of a class."""

    kind = MailHost
    config = ORGANIZATION
    settings = {}
    host = None

    @classmethod
    def setUpClass(cls):
        host = cls.kind(build_directory(), settings=cls.settings)
        try:
            cls.arrange(host.daemon)
            cls.arrange_host(host)
            host.daemon.configure(cls.text(cls.config))
        except BaseException:
            host.remove()
            raise
        host.start()
        cls.host = host

    @classmethod
    def arrange(cls, daemon):
        """What a class of tests changes in its daemon before that is configured and started."""

    @classmethod
    def arrange_host(cls, host):
        """The same of the whole host."""

    @classmethod
    def text(cls, config):
        """The configuration as it is given to the daemon."""
        return config

    def reload(self, config):
        """Another configuration until the end of the test."""
        def load(config):
            self.host.daemon.configure(self.text(config))
            status, said = self.host.daemon.control_tool("reload")
            self.assertEqual(status, 0, said)
        load(config)
        self.addCleanup(load, self.config)

    @classmethod
    def tearDownClass(cls):
        host, cls.host = cls.host, None
        try:
            host.mta.stop()
            check_end(host.daemon, host.daemon.stop())
        finally:
            host.stop()
            host.remove()

    def send(self, *arguments, **how):
        return self.host.send(*arguments, **how)

    def accepted(self, outcome, connector=None, trust=None):
        """Delivered, by this connector, with a trust header of this word (None: without any)."""
        self.assertEqual(outcome.reply.code, 250, outcome.reply)
        self.assertEqual(outcome.record.get("action"), "accept", outcome.record)
        self.assertEqual(outcome.record.get("connector"), connector, outcome.record)
        headers = outcome.copy.get_all("X-Connector-Trust", [])
        if trust is None:
            self.assertEqual(headers, [])
        else:
            self.assertEqual(len(headers), 1, headers)
            self.assertRegex(headers[0], rf"^{trust}; ")
            self.assertIn(f"id={outcome.record['id']}", headers[0])
            if connector:
                self.assertIn(f"connector={connector}; ", headers[0])

    def refused(self, outcome, code, rule, connector=None):
        """Refused with this code (and enhanced code) by this rule of this connector, and not delivered."""
        self.assertEqual(str(outcome.reply)[:len(code) + 1], f"{code} ", outcome.reply)
        self.assertEqual(outcome.copies, [])
        self.assertEqual(outcome.record.get("rule"), rule, outcome.record)
        self.assertEqual(outcome.record.get("connector"), connector, outcome.record)
        self.assertIn(outcome.record.get("action"), ("tempfail",) if code[0] == "4" else ("reject",))
        if connector:
            self.assertRegex(outcome.reply.text, rf"\[[a-z2-7]{{12}}\] connector {re.escape(connector)}: ")
