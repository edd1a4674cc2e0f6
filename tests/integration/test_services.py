"""The map service and the policy service on the wire: what Postfix asks, what others try, and that nobody waits for anybody else."""

import json
import os
import resource
import socket
import stat
import threading

from scenario import EXCHANGE, FABRIKAM, PRINTER, STRANGER, DaemonScenario, full, wait

CONFIG = """
organization = { domains = [ ".contoso.example" ]; };
listeners = ( { name = "mx"; }, { name = "relay"; closed = true; } );
maps = { };
policy = { };
inbound = (
  { name = "exchange"; type = "on_premises"; source_ips = [ "10.1.0.0/24" ]; },
  { name = "printers"; type = "device"; source_ips = [ "10.20.0.0/24" ]; recipients = "internal"; },
  { name = "from-fabrikam"; type = "partner"; sender_domains = [ "fabrikam.example" ]; source_ips = [ "203.0.113.9" ]; }
);
outbound = (
  { name = "to-fabrikam"; recipient_domains = [ ".fabrikam.example" ]; smart_hosts = [ "[mx.fabrikam.example]:587" ]; tls = "verify"; },
  { name = "to-litware"; recipient_domains = [ "litware.example" ]; tls = "encrypt"; min_tls_version = "TLSv1.2"; },
  { name = "provider"; recipient_domains = [ "*" ]; smart_hosts = [ "[out.provider.example]" ]; },
  { name = "classified"; smart_hosts = [ "[192.0.2.25]" ]; when = { header = { name = "Classification"; matches = "secret"; }; }; }
);
"""
MAP_ANSWERS = {
    "transport bob@fabrikam.example": "OK smtp:[mx.fabrikam.example]:587",
    "transport bob+list@sub.FABRIKAM.example.": "OK smtp:[mx.fabrikam.example]:587",
    'transport "a b@c"@fabrikam.example': "OK smtp:[mx.fabrikam.example]:587",
    "transport bob@litware.example": "OK smtp:",
    "transport *": "NOTFOUND ",
    "transport bob@elsewhere.example": "NOTFOUND ",
    "default_route <>": "OK smtp:[out.provider.example]",
    "tls_policy [mx.fabrikam.example]:587": "OK secure",
    "tls_policy litware.example": "OK encrypt protocols=>=TLSv1.2",
    "tls_policy [out.provider.example]": "NOTFOUND ",
    "route X-Connector-Route: classified": "OK FILTER smtp:[192.0.2.25]",
    "route Subject: hello": "NOTFOUND ",
}
PERMIT, DUNNO = "action=permit", "action=DUNNO"


def netstring(text):
    payload = text.encode()
    return b"%d:%b," % (len(payload), payload)


def policy_request(client, recipient="bob@elsewhere.example", **more):
    attributes = {"request": "smtpd_access_policy", "protocol_state": "RCPT", "client_address": client, "sender": "anna@contoso.example",
                  "recipient": recipient, "size": "0", "encryption_protocol": "", "policy_context": "mx", **more}
    return "".join(f"{name}={value}\n" for name, value in attributes.items()) + "\n"


class Client:
    """One connection to a service. Answers are read one at a time; None: the server hung up."""

    def __init__(self, path, seconds=60):
        self.socket = socket.socket(socket.AF_UNIX)
        self.socket.settimeout(seconds)
        self.socket.connect(str(path))
        self._in = b""

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.socket.close()

    def send(self, data):
        try:
            self.socket.sendall(data)
        except OSError:
            pass  # hung up on us: the answer, or its absence, tells

    def _more(self):
        try:
            data = self.socket.recv(65536)
        except ConnectionError:
            data = b""
        self._in += data
        return bool(data)

    def map_answer(self):
        while b":" not in self._in:
            if not self._more():
                return None
        length, rest = self._in.split(b":", 1)
        end = int(length)
        while len(rest) < end + 1:
            if not self._more():
                return None
            rest = self._in.split(b":", 1)[1]
        assert rest[end:end + 1] == b",", self._in
        self._in = rest[end + 1:]
        return rest[:end].decode()

    def policy_answer(self):
        while b"\n\n" not in self._in:
            if not self._more():
                return None
        answer, self._in = self._in.split(b"\n\n", 1)
        return answer.decode()

    def look_up(self, request):
        self.send(netstring(request))
        return self.map_answer()

    def ask(self, request):
        self.send(request.encode())
        return self.policy_answer()


class Services(DaemonScenario):
    config = CONFIG

    def setUp(self):
        self.bystanders = [Client(self.daemon.maps), Client(self.daemon.policy)]
        self.mark = len(self.daemon.log())

    def tearDown(self):
        self.assert_alive()
        self.answers()
        for client in self.bystanders:
            client.socket.close()

    def answers(self):
        """Two clients that have been there from the start, and two new ones, get what the configuration says."""
        with Client(self.daemon.maps) as maps, Client(self.daemon.policy) as policy:
            for one, other in ((maps, policy), self.bystanders):
                for request, answer in MAP_ANSWERS.items():
                    self.assertEqual(one.look_up(request), answer, request)
                self.assertEqual(other.ask(policy_request(EXCHANGE)), PERMIT)
                self.assertEqual(other.ask(policy_request(STRANGER)), DUNNO)

    def counters(self):
        status, text = self.daemon.control_tool("--json", "status")
        self.assertEqual(status, 0, text)
        status = json.loads(text)
        self.assertEqual(status["connectors"], 7)  # of both lists
        return status["counters"]

    # Right and wrong questions

    def test_counted(self):
        """lookups, policy requests and permits are counted, and status shows them"""
        before = self.counters()
        self.answers()
        after = self.counters()
        self.assertEqual({name: after[name] - before[name] for name in ("map_lookups", "policy_requests", "policy_permits")},
                         {"map_lookups": 2 * len(MAP_ANSWERS), "policy_requests": 4, "policy_permits": 2})

    def test_who_may_relay(self):
        """permit for grants within their limits; DUNNO for partners, strangers, routed recipients and other states"""
        with Client(self.daemon.policy) as client:
            for request, answer in ((policy_request(EXCHANGE), PERMIT), (policy_request(EXCHANGE, sender=""), PERMIT),
                                    (policy_request(PRINTER, "anna@contoso.example"), PERMIT), (policy_request(PRINTER), DUNNO),
                                    (policy_request(FABRIKAM, sender="u@fabrikam.example"), DUNNO), (policy_request(STRANGER), DUNNO),
                                    (policy_request("unknown"), DUNNO), (policy_request(STRANGER, sasl_username="anna@contoso.example"), DUNNO),
                                    (policy_request(EXCHANGE, "bob%evil.example@contoso.example"), DUNNO),
                                    (policy_request(EXCHANGE, "evil.example!bob@contoso.example"), DUNNO),
                                    (policy_request(EXCHANGE, "bob@evil.example@contoso.example"), DUNNO),
                                    (policy_request(EXCHANGE, protocol_state="DATA"), DUNNO), (policy_request(EXCHANGE, request="other"), DUNNO)):
                self.assertEqual(client.ask(request), answer, request)

    def test_malformed_lookups(self):
        """bytes that are no netstring: PERM and a close, nothing else"""
        for data in (b"GET / HTTP/1.0\r\n\r\n", b"x", b":", b"-1:x,", b"01:x,", b"3:abcd", b"99999999999999999999999999:", b"16385:", b"\x00" * 1000,
                     netstring("transport u@litware.example")[:-1] + b"x", b"9" * 100000):
            with Client(self.daemon.maps) as client:
                client.send(data)
                self.assertRegex(client.map_answer() or "PERM ", r"^PERM ", data[:40])
                self.assertIsNone(client.map_answer(), data[:40])
        with Client(self.daemon.maps) as client:
            for request in ("", " ", "transport", "aliases root", "TRANSPORT u@litware.example"):
                self.assertRegex(client.look_up(request), "^PERM ", request)
            self.assertEqual(client.look_up("transport u@litware.example"), "OK smtp:")

    def test_malformed_policy_requests(self):
        """requests that make no sense are DUNNO, one line in the log for each kind; one without end is closed"""
        whole = policy_request(EXCHANGE)
        with Client(self.daemon.policy) as client:
            for request in ("\n", "x\n\n", "=\n\n", whole[:-1] + "sender=x\n\n", whole.replace("client_address", "client"), whole.replace("sender=", "from="),
                            whole[:-1] + "x=\0\n\n") * 3:
                self.assertEqual(client.ask(request), DUNNO, request)
            self.assertEqual(client.ask(whole), PERMIT)
        for endless in ("x=" + "y" * 100000, "x=y\n" * 30000):
            with Client(self.daemon.policy) as client:
                client.send(endless.encode())
                self.assertEqual(client.policy_answer() or DUNNO, DUNNO)
                self.assertIsNone(client.policy_answer())
        lines = [line for line in self.daemon.log().splitlines() if "a policy request" in line]
        self.assertEqual((sum("malformed" in line for line in lines), sum("lacks" in line for line in lines)), (1, 1), lines)

    def test_long_keys(self):
        """a key of 10,000 bytes is looked up like any other; one beyond any MTA is PERM"""
        with Client(self.daemon.maps) as client:
            self.assertEqual(client.look_up("transport " + "x" * 10000), "NOTFOUND ")
            self.assertEqual(client.look_up("transport " + "x" * 9985 + "@litware.example"), "OK smtp:")
            self.assertEqual(client.look_up("tls_policy " + "x." * 5000), "NOTFOUND ")
            self.assertEqual(client.look_up("route X-Connector-Route: " + "x" * 10000)[:5], "TEMP ")
            self.assertRegex(client.look_up("transport " + "x" * 20000), "^PERM ")

    # Clients that are slow, many, or gone

    def test_byte_by_byte(self):
        """requests that come byte by byte, with others asking in between"""
        lookup, request = netstring("transport bob@fabrikam.example"), policy_request(EXCHANGE, helo_name="h" * 3000).encode()
        with Client(self.daemon.maps) as maps, Client(self.daemon.policy) as policy:
            for number, byte in enumerate(request):
                policy.send(bytes([byte]))
                if number < len(lookup):
                    maps.send(lookup[number:number + 1])
                    self.assertEqual(self.bystanders[0].look_up("transport *"), "NOTFOUND ")
            self.assertEqual(policy.policy_answer(), PERMIT)
            self.assertEqual(maps.map_answer(), "OK smtp:[mx.fabrikam.example]:587")

    def test_half_open(self):
        """who finished sending still gets the answer; who goes away in the middle leaves nothing behind"""
        with Client(self.daemon.maps) as maps, Client(self.daemon.policy) as policy:
            maps.send(netstring("transport bob@litware.example"))
            policy.send(policy_request(EXCHANGE).encode())
            for client in (maps, policy):
                client.socket.shutdown(socket.SHUT_WR)
            self.assertEqual((maps.map_answer(), maps.map_answer()), ("OK smtp:", None))
            self.assertEqual((policy.policy_answer(), policy.policy_answer()), (PERMIT, None))
        before = len(os.listdir(f"/proc/{self.daemon.process.pid}/fd"))
        for number in range(200):
            with Client(self.daemon.maps) as maps, Client(self.daemon.policy) as policy:
                maps.send(netstring("transport bob@litware.example")[:number % 30])
                policy.send(policy_request(EXCHANGE).encode()[:number])
        wait.until(lambda: len(os.listdir(f"/proc/{self.daemon.process.pid}/fd")) <= before, "the descriptors of clients that are gone to be closed")

    def test_a_thousand_connections(self):
        """1,000 and more clients on the map socket, half of them in the middle of a request, take no place on the policy socket"""
        soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
        resource.setrlimit(resource.RLIMIT_NOFILE, (min(4096, hard), hard))
        crowd = []
        try:
            for number in range(1100):
                crowd.append(Client(self.daemon.maps))
                if number % 2:
                    crowd[-1].send(b"40:transport")
                if number % 100 == 0:
                    self.assertEqual(self.bystanders[1].ask(policy_request(EXCHANGE)), PERMIT)
                    self.assertEqual(self.bystanders[0].look_up("transport *"), "NOTFOUND ")  # not the longest idle
            self.assertEqual(crowd[-2].look_up("transport bob@litware.example"), "OK smtp:")
            self.assertIsNone(crowd[0].map_answer(), "the longest idle should have made room")
            self.assertEqual(self.bystanders[1].ask(policy_request(EXCHANGE)), PERMIT)
        finally:
            for client in crowd:
                client.socket.close()
            resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))

    def test_slow_reader(self):
        """a client that asks without reading is left alone until it reads, and then has every answer"""
        request = netstring("transport bob@fabrikam.example") * 100
        with Client(self.daemon.maps) as deaf:
            deaf.socket.setblocking(False)
            sent = 0
            try:
                while sent < 100 << 20:
                    sent += deaf.socket.send(request[sent % len(request):])
            except BlockingIOError:
                pass
            self.assertLess(sent, 100 << 20)
            self.answers()
            deaf.socket.settimeout(60)
            whole = sent * 100 // len(request)
            for _ in range(whole):
                self.assertEqual(deaf.map_answer(), "OK smtp:[mx.fabrikam.example]:587")

    def test_out_of_descriptors(self):
        """with no descriptor left those who are there are answered, and others as soon as there is one"""
        self.answers()  # so that the bystanders are in
        pid = self.daemon.process.pid
        old = resource.prlimit(pid, resource.RLIMIT_NOFILE)
        used = {int(fd) for fd in os.listdir(f"/proc/{pid}/fd")}
        limit = next(fd for fd in range(10000) if fd not in used)
        try:
            resource.prlimit(pid, resource.RLIMIT_NOFILE, (limit, old[1]))
            with Client(self.daemon.maps) as maps, Client(self.daemon.policy) as policy:
                maps.send(netstring("transport bob@litware.example"))
                policy.send(policy_request(EXCHANGE).encode())
                for _ in range(100):
                    self.assertEqual(self.bystanders[0].look_up("transport bob@litware.example"), "OK smtp:")
                    self.assertEqual(self.bystanders[1].ask(policy_request(EXCHANGE)), PERMIT)
                resource.prlimit(pid, resource.RLIMIT_NOFILE, old)
                self.assertEqual(maps.map_answer(), "OK smtp:")
                self.assertEqual(policy.policy_answer(), PERMIT)
        finally:
            resource.prlimit(pid, resource.RLIMIT_NOFILE, old)


class Sockets(DaemonScenario):
    config = CONFIG

    def test_mode_group_and_end(self):
        """the sockets have mode and group, stay over a reload that moves them, with a warning, and are gone when the daemon is"""
        for path in (self.daemon.maps, self.daemon.policy):
            info = path.stat()
            self.assertTrue(stat.S_ISSOCK(info.st_mode))
            self.assertEqual(stat.S_IMODE(info.st_mode), 0o660)
            self.assertEqual(info.st_gid, self.daemon.socket.stat().st_gid)
        text = self.daemon.config_file.read_text(encoding="utf-8")
        self.daemon.config_file.write_text(text.replace("maps.sock", "other.sock"), encoding="utf-8")
        status, said = self.daemon.control_tool("reload")
        self.assertEqual(status, 0)
        self.assertIn("socket settings have changed", said)
        self.assertIn("socket settings have changed", self.daemon.control_tool("reload")[1])  # as long as that is so
        told = json.loads(self.daemon.control_tool("--json", "status")[1])
        self.assertEqual((told["restart_needed"], told["sockets"]["maps"]), (True, f"unix:{self.daemon.maps}"))
        self.assertIn("restart_needed: true\n", self.daemon.control_tool("status")[1])
        self.daemon.config_file.write_text(text, encoding="utf-8")
        self.assertNotIn("socket settings", self.daemon.control_tool("reload")[1])
        self.assertIn("restart_needed: false\n", self.daemon.control_tool("status")[1])
        with Client(self.daemon.maps) as client:
            self.assertEqual(client.look_up("transport bob@litware.example"), "OK smtp:")
        self.daemon.configure(CONFIG.replace("maps = { };\n", "").replace("policy = { };\n", ""))
        self.assertEqual(self.daemon.stop(), 0)
        for path in (self.daemon.maps, self.daemon.policy):
            self.assertFalse(path.exists())
        self.daemon.start()
        self.assertEqual(self.daemon.control_tool("status")[0], 0)
        for path in (self.daemon.maps, self.daemon.policy):
            self.assertFalse(path.exists(), "a service that was not asked for")


class Reloads(DaemonScenario):
    """The next hop, the TLS policy and a grant carry the number of the configuration."""

    @staticmethod
    def numbered(number):
        return (CONFIG.replace("[mx.fabrikam.example]", f"[mx{number}.fabrikam.example]").replace("[out.provider.example]", f"[out{number}.provider.example]")
                .replace("10.1.0.0/24", f"10.1.{number}.0/24"))

    config = CONFIG

    def test_storm(self):
        """while configurations come and go every answer is one of them, whole, never an older one than before, and new once reload has returned"""
        count, begun, published, failures, stop = 200 if full() else 30, [0], [0], [], threading.Event()
        self.daemon.configure(self.numbered(0))
        self.assertEqual(self.daemon.control_tool("reload")[0], 0)
        asked = []

        def ask_on():
            latest, turns = 0, 0
            with Client(self.daemon.maps) as maps, Client(self.daemon.policy) as policy:
                while not stop.is_set():
                    least = published[0]
                    for request, before, after in (("transport u@fabrikam.example", "OK smtp:[mx", ".fabrikam.example]:587"),
                                                   ("default_route <>", "OK smtp:[out", ".provider.example]")):
                        answer = maps.look_up(request) or "nothing"
                        number = answer.removeprefix(before).removesuffix(after)
                        if not number.isdigit() or int(number) < max(latest, least):
                            failures.append(f"{request}: {answer} after {latest}, {least} was published")
                            return
                        latest = int(number)
                    answer = policy.ask(policy_request(f"10.1.{latest}.5"))
                    if answer != PERMIT and (answer != DUNNO or begun[0] == latest):
                        failures.append(f"{answer} for the grant of {latest}")
                        return
                    turns += 1
            asked.append(turns)

        threads = [threading.Thread(target=ask_on) for _ in range(4)]
        for thread in threads:
            thread.start()
        for number in range(1, count):
            self.daemon.configure(self.numbered(number))
            begun[0] = number
            self.assertEqual(self.daemon.control_tool("reload")[0], 0)
            published[0] = number
            if number % 10 == 0:
                self.daemon.configure(self.numbered(number + 1) + "nonsense = 1;\n")
                self.assertEqual(self.daemon.control_tool("reload")[0], 1)
        stop.set()
        for thread in threads:
            thread.join()
        self.assertEqual(failures, [])
        self.assertEqual(len(asked), 4)
        self.assertGreater(min(asked), 0)
        with Client(self.daemon.policy) as policy:
            for number in range(count):
                self.assertEqual(policy.ask(policy_request(f"10.1.{number}.5")), PERMIT if number == count - 1 else DUNNO)
