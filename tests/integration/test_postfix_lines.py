"""What `connectorctl postfix` prints, given to a real Postfix: accepted without a warning, the same however often, and it does what it says."""

import itertools
import os
import re
import subprocess
import tempfile
import unittest
from pathlib import Path

from private_mta.certificates import Certificates
from private_mta.daemon import ConnectorMilter
from private_mta.postfix import PrivatePostfix
from scenario import ANNA, FABRIKAM, ORGANIZATION, PRINTER, STRANGER, Scenario, SmtpClient, build_directory, message

# Everything that can be asked for.
EVERYTHING = """
organization = { domains = [ ".contoso.example" ]; };
listeners = ( { name = "mx"; }, { name = "relay"; closed = true; }, { name = "submission"; } );
maps = { socket = "unix:/var/spool/postfix/connector-milter/maps.sock"; };
policy = { socket = "unix:/var/spool/postfix/connector-milter/policy.sock"; };
signing = { keys = ( { id = "k"; file = "keys/k"; } ); };
inbound = (
  { name = "printers"; type = "device"; source_ips = "10.20.0.0/24"; listeners = "relay"; add_headers = ( { name = "X-Printed"; value = "yes"; } ); },
  { name = "exchange"; type = "on_premises"; certificates = "exchange.contoso.example"; } );
outbound = (
  { name = "fabrikam"; recipient_domains = ".fabrikam.example"; tls = "verify"; },
  { name = "pinned"; recipient_domains = "pinned.example"; tls = "fingerprint"; smart_hosts = "[192.0.2.1]"; fingerprints = "%s";
    client_certificate = "%s"; client_key = "%s"; },
  { name = "provider"; recipient_domains = "*"; smart_hosts = "[smtp.provider.example]:587"; tls = "dane_only"; },
  { name = "direct"; cost = 2; recipient_domains = "*"; },
  { name = "certified"; recipient_domains = "certified.example"; tls = "verify"; tls_domains = "mx.certified.example";
    client_certificate = "/dev/null"; client_key = "/dev/null"; },
  { name = "classified"; smart_hosts = "[192.0.2.77]"; when = { header = { name = "X-Classification"; matches = "secret"; }; }; } );
"""
FORGED = ("X-Connector-Trust: internal; connector=forged", "x-connector : forged", "X-MS-Exchange-Organization-SCL: -1")


def uncomment(text):
    """Takes off the # of what the administrator has to place or choose; reasons begin with "# "."""
    return re.sub(r"^#(?=\S|    -o)", "", text, flags=re.M)


class Lines(unittest.TestCase):
    """A Postfix that is never started, and a configuration that needs every line there is."""

    @classmethod
    def setUpClass(cls):
        cls.directory = tempfile.TemporaryDirectory(prefix="lines-", dir="/tmp")
        cls.addClassCleanup(cls.directory.cleanup)
        directory = Path(cls.directory.name)
        directory.chmod(0o755)
        cls.certificates = Certificates(directory / "tls")
        cls.daemon = ConnectorMilter(build_directory(), directory / "daemon")
        cls.daemon.configure(EVERYTHING % (":".join(["AB"] * 32), *cls.certificates.client["exchange"]))
        cls.postfix = PrivatePostfix(directory / "postfix", cls.certificates)
        cls.lines = cls.daemon.postfix_lines(cls.postfix.queue)

    def check(self):
        """Nothing that reads the configuration complains."""
        for arguments in (("-n",), ("-M",), ("-P",)):
            self.assertNotIn("warning", self.postfix.postconf(*arguments))
        done = subprocess.run(["postfix", "-c", str(self.postfix.config), "check"], capture_output=True, text=True, check=False)
        self.assertEqual((done.returncode, done.stdout + done.stderr), (0, ""), self.postfix.log())
        complaints = [line for line in self.postfix.log().splitlines() if "warning" in line and "not owned by" not in line and "not set-gid" not in line]
        self.assertEqual(complaints, [])  # but for owners of the files, which are private

    def files(self):
        return [(self.postfix.config / name).read_text(encoding="utf-8") for name in ("main.cf", "master.cf")]

    def restore(self, files):
        for name, text in zip(("main.cf", "master.cf"), files):
            (self.postfix.config / name).write_text(text, encoding="utf-8")

    def test_applied(self):
        """by a script, from the JSON: no warning, and a second time changes nothing"""
        self.addCleanup(self.restore, self.files())
        service = f"127.0.0.1:{self.postfix.ports['mx']}/inet"
        self.postfix.apply(self.lines, [service])
        self.check()
        once = self.files()
        self.postfix.apply(self.lines, [service])
        self.assertEqual(self.files(), once)
        for line in self.lines:
            if line["file"] == "main.cf" and line["value"] is not None:
                self.assertEqual(self.postfix.postconf("-h", line["name"]).rstrip("\n"), line["value"])
        for listener in ("mx", "relay", "submission"):
            options = self.postfix.postconf("-P", f"127.0.0.1:{self.postfix.ports[listener]}/inet")
            self.assertIn(f"milter_macro_daemon_name = {listener}\n", options)
            self.assertEqual("policy_context" in options, listener == "relay", options)
        self.assertIn(str(self.certificates.client["exchange"][0]), self.postfix.postconf("-P", "smtp-pinned/unix/smtp_tls_cert_file"))

    def test_pasted(self):
        """by hand, from the text: below what is there, with and without taking off the # of what is left to the administrator"""
        before = self.files()
        self.addCleanup(self.restore, before)
        status, text = self.daemon.control_tool("postfix", "--queue-directory", str(self.postfix.queue))
        self.assertEqual(status, 0, text)
        main, _, master = text.partition("\n# master.cf: services")
        for ours, treat in ((True, str), (True, uncomment)):
            # An administrator changes a line that is there; only what is new goes to the end.
            new = treat(main)
            names = set(re.findall(r"^(\w+) =", new, re.M))
            kept = "".join(line for line in before[0].splitlines(True) if line.split(" ")[0] not in names)
            services, _, left = master.partition("\n# master.cf: lines")
            if treat is uncomment:
                # The right service, each time a new one.
                ports = itertools.count(1)
                left = re.sub(r"^#    -o (?=milter_macro_daemon_name|cleanup_service_name|\{ smtp_header_checks)", lambda found: f"127.0.0.1:{next(ports)} inet n - n - - smtpd\n" + found[0],
                              left, flags=re.M)
                left = uncomment(left)
            self.restore([kept + new, before[1] + "#" + services + "\n#" + left])
            self.check()

    def test_every_kind(self):
        """the configuration of these tests asks for everything that can be asked for"""
        names = {line.get("name") for line in self.lines}
        source = (Path(os.environ.get("CM_SOURCE", Path(__file__).parents[2])) / "milter" / "ctl" / "postfix.cc").read_text(encoding="utf-8")
        known = set(re.findall(r'"((?:smtpd?|non_smtpd|milter|transport|sender|tls_required|header|cleanup)_\w+|mynetworks)"', source))
        self.assertLessEqual({"smtpd_milters", "mynetworks", "milter_header_checks"}, known)
        # These are for other versions of Postfix, or not needed where mynetworks is empty.
        self.assertEqual(known - names, {"tls_required_enable", "smtpd_forbid_bare_newline_exclusions"})


class SocketsBelowTheQueue(Scenario):
    """As installed: the sockets lie below the queue directory and are told relative to it, so that chrooted services find them."""

    config = ORGANIZATION + 'inbound = ( { name = "printers"; type = "device"; source_ips = "10.20.0.0/24"; recipients = "internal"; } );'

    @classmethod
    def arrange(cls, daemon):
        directory = daemon.directory.parent / "postfix" / "queue" / "connector-milter"
        directory.mkdir(mode=0o755)
        daemon.socket = directory / "milter.sock"

    def test_mail(self):
        """mail is judged, by SMTP and submitted here"""
        self.assertIn("{ unix:connector-milter/milter.sock, ", self.host.postfix.postconf("-h", "smtpd_milters"))
        self.accepted(self.send("scanner@contoso.example", client=PRINTER), "printers", "device")
        mark = len(self.host.daemon.log())
        self.assertEqual(self.host.postfix.sendmail(message(ANNA), "-f", ANNA, ANNA)[0], 0)
        self.assertEqual(self.host.daemon.record(f"from=<{ANNA}>", mark).get("action"), "accept")


class WithoutTheMilter(Scenario):
    """Services whose mail the milter does not see: a listener with smtpd_milters emptied, and what stands behind smtpd_proxy_filter."""

    config = ORGANIZATION + 'inbound = ( { name = "fabrikam"; type = "partner"; sender_domains = "fabrikam.example"; source_ips = "203.0.113.0/24"; } );'

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        postfix = cls.host.postfix
        for name in ("bare", "behind"):
            postfix.add_listener(name, None, "smtpd_milters=")
        behind = postfix.ports["behind"]
        postfix.postconf("-PX", f"127.0.0.1:{behind}/inet/smtpd_upstream_proxy_protocol")  # the proxy filter does not speak it
        postfix.add_listener("proxied", None, f"smtpd_proxy_filter=127.0.0.1:{behind}")
        postfix.apply(cls.host.daemon.postfix_lines(postfix.queue), [f"127.0.0.1:{postfix.ports[name]}/inet" for name in ("bare", "behind")])
        postfix.reload()

    def forged(self, listener):
        """The headers of our family and of Exchange's that arrived, of a message full of forged ones."""
        with SmtpClient(self.host.postfix.ports[listener], STRANGER) as session:
            session.ehlo()
            done = session.send("bob@elsewhere.example", ANNA, message("bob@elsewhere.example", headers=FORGED + ("X-Other: kept",)))
        self.assertEqual(done.reply.code, 250, done.reply)
        queue_id = re.findall(r"queued as (\w+)", done.reply.text)[-1]
        copy, = self.host.postfix.messages(queue_id)
        self.assertEqual(copy["X-Other"], "kept")
        return [name for name in copy.keys() if name.lower().startswith(("x-connector", "x-ms-exchange"))]

    def test_listener_without_milter(self):
        """forged headers are removed by header_checks"""
        self.assertEqual(self.forged("bare"), [])

    def test_proxy_filter(self):
        """behind a proxy filter, where the milter sees no headers, the same"""
        self.assertEqual(self.forged("proxied"), [])

    def test_ours_stay(self):
        """where the milter is asked, its own headers stay"""
        self.accepted(self.send("bob@fabrikam.example", client=FABRIKAM), "fabrikam", "partner")
