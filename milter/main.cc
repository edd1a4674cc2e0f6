// connector-milter, the daemon: the only file that knows every room. It loads the configuration, opens the sockets, starts the
// threads, and then sits in the main thread waiting for signals.
//
// Signals: the main thread never blocks them, every other thread blocks all, and the handlers only post a semaphore; libmilter's own
// thread for signals is kept from taking any (session/milter.cc). The process ends with _exit(): libmilter leaves detached threads
// behind that may still be in a callback.
#include <semaphore.h>
#include <sys/stat.h>
#include <unistd.h>

#include <CLI/CLI.hpp>
#include <cerrno>
#include <csignal>
#include <ctime>
#include <filesystem>
#include <iostream>
#include <mutex>
#include <thread>

#include "base/attribute_list.h"
#include "base/log.h"
#include "base/netstring.h"
#include "base/process.h"
#include "config.h"
#include "config/load.h"
#include "seal/key.h"
#include "serve/access_policy.h"
#include "serve/control.h"
#include "serve/maps.h"
#include "serve/server.h"
#include "serve/unix_socket.h"
#include "session/milter.h"

namespace {

using namespace cm;
using SystemClock = std::chrono::system_clock;

constexpr int exit_usage = 64, exit_failure = 1, exit_config = 78;  // sysexits.h
constexpr int drain_seconds = 30;
constexpr auto linger = std::chrono::milliseconds(300);  // for libmilter to write the last answers
constexpr const char* own_user = "connector-milter";

constexpr serve::ServerLimits control_limits{.request_bytes = 1000, .clients = 20, .idle = std::chrono::seconds(30)};
// The MTA sends map keys of up to 10,000 bytes, and policy requests of a dozen attributes of at most 2 kB each, in xtext three times that; it
// gives up its own idle connections after 10 and 300 seconds.
constexpr serve::ServerLimits map_limits{.request_bytes = 16384, .waiting_bytes = 1 << 16, .clients = 1000, .idle = std::chrono::minutes(2)};
constexpr serve::ServerLimits policy_limits{.request_bytes = 1 << 16, .waiting_bytes = 1 << 16, .clients = 1000, .idle = std::chrono::minutes(10)};
constexpr int mta_backlog = 512;
constexpr std::size_t rates_shown = 20;

sem_t wake;
std::atomic<bool> reload_wanted{false};
std::atomic<int> stops_wanted{0};
static_assert(std::atomic<bool>::is_always_lock_free && std::atomic<int>::is_always_lock_free);

extern "C" void on_signal(int signal) {
  const int saved = errno;
  if (signal == SIGHUP)
    reload_wanted = true;
  else
    ++stops_wanted;
  sem_post(&wake);
  errno = saved;
}

void catch_signals() {
  sem_init(&wake, 0, 0);
  struct sigaction action {};
  action.sa_handler = on_signal;
  action.sa_flags = SA_RESTART | SA_NODEFER;  // a HUP during the handling of one must not become pending: libmilter would get it
  for (const int signal : {SIGHUP, SIGTERM, SIGINT}) sigaction(signal, &action, nullptr);
  static_cast<void>(std::signal(SIGPIPE, SIG_IGN));
}

// The path of a unix socket address; empty for any other.
std::string path_of(const std::string& address) {
  for (const std::string_view prefix : {"unix:", "local:"})
    if (address.starts_with(prefix)) return address.substr(prefix.size());
  return {};
}

std::shared_ptr<const Policy> policy_of(std::shared_ptr<const config::Config> config) {
  const Policy* policy = &config->policy;
  return {std::move(config), policy};
}

// What the configuration says and refers to; `config` null if there is any error.
struct Loaded {
  std::shared_ptr<const config::Config> config;
  std::shared_ptr<const seal::Keys> keys;
  config::Diagnostics diagnostics;
};

Loaded load(const std::string& config_file) {
  auto result = config::load(config_file);
  Loaded loaded{std::move(result.config), nullptr, std::move(result.diagnostics)};
  if (!loaded.config) return loaded;
  bool sound = true;
  loaded.keys = std::make_shared<const seal::Keys>(seal::read_keys(loaded.config->service.signing_keys, [&](const auto& key, const auto& why) {
    loaded.diagnostics.push_back(config::bad_key_file(key, why));
    sound = false;
  }));
  if (!sound) loaded.config = nullptr;
  return loaded;
}

bool sockets_differ(const config::Service& a, const config::Service& b) {
  const auto same = [](const config::Socket& x, const config::Socket& y) { return x.address == y.address && x.group == y.group && x.mode == y.mode; };
  const auto same_optional = [&](const auto& x, const auto& y) { return x.has_value() == y.has_value() && (!x || same(*x, *y)); };
  return !same(a.milter, b.milter) || !same(a.control, b.control) || !same_optional(a.maps, b.maps) || !same_optional(a.policy, b.policy);
}

class Daemon {
 public:
  Daemon(std::string config_file, const Loaded& loaded)
      : config_file_(std::move(config_file)),
        config_(loaded.config),
        opened_(config_->service),
        log_(own_user),
        policy_(policy_of(config_)),
        keys_(loaded.keys) {
    shared_.keys = &keys_;
    shared_.tallies = &tallies_;
    result_.at = started_ = loaded_ = SystemClock::now();
    result_.connectors = connectors();
    release_freed_memory();
  }

  /// Binds every socket and becomes our user. Returns what went wrong, or an empty string.
  std::string open();
  /// Until a signal ends it; returns the exit status. The caller must _exit().
  int run();
  /// Those that open() has bound; nobody else's.
  void remove_sockets() const;

 private:
  void reload();
  void load_and_publish();
  serve::Status status();
  observe::Stats stats();
  std::string listen(serve::Server& server, const config::Socket& socket, int backlog, serve::Service service);
  void run_server(serve::Server& server, const char* name);
  void drain();
  void use_log_settings();
  [[nodiscard]] std::size_t connectors() const { return config_->policy.data().inbound.size() + config_->policy.data().outbound.size(); }

  const std::string config_file_;
  std::mutex mutex_;  // reload, and what it writes
  std::shared_ptr<const config::Config> config_;
  const config::Service opened_;  // as it was at the start: the sockets there are
  serve::ReloadResult result_;
  SystemClock::time_point started_, loaded_;
  std::uint64_t policy_number_ = 1;
  const std::chrono::steady_clock::time_point began_ = std::chrono::steady_clock::now();

  Log log_;
  observe::Counters counters_;
  observe::Tallies tallies_{config_->policy.data()};
  Published<Policy> policy_;
  Published<seal::Keys> keys_;
  session::Shared shared_{policy_, counters_, [this](std::string_view line) { log_.info(line); }};
  serve::Control control_{[this] { return reload(), status().last_reload; }, [this] { return status(); }, [this] { return stats(); }, counters_};
  serve::Maps maps_{policy_, counters_, [this](std::string_view line) { log_.error(line); }};
  serve::AccessPolicy access_policy_{policy_, counters_, [this](std::string_view line) { log_.error(line); }};
  // Two loops, so that a reload, which answers only when all is read and built, keeps no question of the MTA waiting.
  serve::Server control_server_, mta_server_;
  std::vector<config::Socket> sockets_;  // unix sockets that were bound, control first
};

void Daemon::use_log_settings() {
  const auto& service = config_->service;
  log_.configure(service.log_target == config::LogTarget::syslog ? Log::Target::syslog : Log::Target::standard_error,
                 static_cast<Log::Level>(service.log_level));
}

// Nobody connects before open() has set the group.
std::string Daemon::listen(serve::Server& server, const config::Socket& socket, int backlog, serve::Service service) {
  const auto path = path_of(socket.address);
  auto fd = serve::listen_unix(path, backlog);
  if (!fd) return fd.why;
  sockets_.push_back(socket);
  server.serve(std::move(*fd.value), std::move(service));
  return {};
}

std::string Daemon::open() {
  const auto& service = config_->service;
  if (const auto path = path_of(service.milter.address); !path.empty())
    if (auto why = serve::why_not_free(path); !why.empty()) return why;
  const auto control = [this](std::string_view request) { return control_.answer(request); };
  auto why = listen(control_server_, service.control, 16, {netstring::framing, control_limits, control, ""});
  if (why.empty() && service.maps) {
    const auto maps = [this](std::string_view request) { return maps_.answer(request); };
    why = listen(mta_server_, *service.maps, mta_backlog, {netstring::framing, map_limits, maps, serve::Maps::malformed});
  }
  if (why.empty() && service.policy) {
    const auto policy = [this](std::string_view request) { return access_policy_.answer(request); };
    why = listen(mta_server_, *service.policy, mta_backlog, {attribute_list::framing, policy_limits, policy, serve::AccessPolicy::dunno});
  }
  if (!why.empty()) return why;
  const auto old_mask = ::umask(0177);
  why = session::open_milter({.address = service.milter.address}, shared_, log_);
  ::umask(old_mask);
  if (!why.empty()) return why;
  if (!path_of(service.milter.address).empty()) sockets_.push_back(service.milter);
  std::vector<std::string> paths;
  for (const auto& socket : sockets_) {
    const auto& path = paths.emplace_back(path_of(socket.address));
    if (why = serve::give_to_group(path, socket.group, socket.mode); !why.empty()) return why;
  }
  return become_user(own_user, paths, paths.front());
}

// The one way to a new policy, for SIGHUP and the control socket. A bad configuration changes nothing. Whatever fails, memory included, the
// old policy stays in force or the new one is, whole, and `result_` says which.
void Daemon::reload() {
  const std::lock_guard lock(mutex_);
  result_ = {.ok = false, .at = SystemClock::now(), .connectors = connectors(), .diagnostics = {}};
  try {
    load_and_publish();
    const auto count = std::to_string(result_.connectors) + " connectors";
    log_.write(result_.ok ? Log::Level::info : Log::Level::error,
               result_.ok ? "configuration loaded: " + count : "configuration refused, the old one stays in force: " + count);
  } catch (const std::exception& e) {  // most likely there is no memory: the words for it need none
    log_.error(result_.ok ? "configuration loaded, but:" : "configuration refused, the old one stays in force:");
    log_.error(e.what());
    try {
      result_.diagnostics.emplace_back(e.what());
    } catch (const std::bad_alloc&) {
    }
  }
  release_freed_memory();
}

void Daemon::load_and_publish() {
  auto loaded = load(config_file_);
  for (const auto& diagnostic : loaded.diagnostics) {
    result_.diagnostics.push_back(diagnostic.to_string());
    log_.write(diagnostic.level == config::Diagnostic::Level::error ? Log::Level::error : Log::Level::warning, result_.diagnostics.back());
  }
  if (!loaded.config) return;
  if (sockets_differ(opened_, loaded.config->service)) {
    result_.diagnostics.emplace_back(
        "the socket settings have changed: they take effect at the next start of the daemon (systemctl restart connector-milter)");
    log_.warning(result_.diagnostics.back());
  }
  const auto old = policy_.get();  // to be destroyed here, which takes long, and not by a lookup that is the last to let go
  maps_.retire(*old);
  config_ = std::move(loaded.config);
  keys_.set(std::move(loaded.keys));  // first: with a policy that accepts tags there are keys
  tallies_.keep(config_->policy.data());
  policy_.set(policy_of(config_));
  result_.ok = true;
  ++policy_number_;
  loaded_ = result_.at;
  result_.connectors = connectors();
  use_log_settings();
}

serve::Status Daemon::status() {
  const std::lock_guard lock(mutex_);
  return {.version = PACKAGE_VERSION,
          .pid = ::getpid(),
          .config_file = std::filesystem::absolute(config_file_).string(),
          .started = started_,
          .uptime = std::chrono::duration_cast<std::chrono::seconds>(std::chrono::steady_clock::now() - began_),
          .policy_number = policy_number_,
          .loaded = loaded_,
          .config = config_->digest,
          .connectors = connectors(),
          .sockets = {{"milter", opened_.milter.address},
                      {"maps", opened_.maps ? opened_.maps->address : ""},
                      {"policy", opened_.policy ? opened_.policy->address : ""},
                      {"control", opened_.control.address}},
          .restart_needed = sockets_differ(opened_, config_->service),
          .last_reload = result_,
          .in_flight = shared_.in_flight.load(),
          .log_lines_dropped = log_.dropped()};
}

observe::Stats Daemon::stats() { return {observe::count_connectors(policy_.get()->data(), tallies_), shared_.rates.most_used(rates_shown)}; }

void Daemon::remove_sockets() const {
  for (const auto& socket : sockets_) ::unlink(path_of(socket.address).c_str());
}

// No new messages; those in flight may finish, until the time is up or a second signal says not to wait.
void Daemon::drain() {
  shared_.draining = true;
  notify_systemd("STOPPING=1");
  log_.info("stopping: " + std::to_string(shared_.in_flight.load()) + " messages in flight");
  const auto end = std::chrono::steady_clock::now() + std::chrono::seconds(drain_seconds);
  while (shared_.in_flight.load() > 0 && stops_wanted.load() < 2 && std::chrono::steady_clock::now() < end)
    std::this_thread::sleep_for(std::chrono::milliseconds(20));
  std::this_thread::sleep_for(linger);
  remove_sockets();
  log_.info("stopped with " + std::to_string(shared_.in_flight.load()) + " messages in flight");
}

// Without its answers the MTA would wait in vain: better a daemon that ends and is started again.
void Daemon::run_server(serve::Server& server, const char* name) {
  try {
    server.run();
  } catch (const std::exception& e) {
    log_.error(std::string(name) + " service ended: " + e.what());
    ::_exit(exit_failure);
  }
}

int Daemon::run() {
  use_log_settings();
  sigset_t all, none;
  sigfillset(&all);
  sigemptyset(&none);
  pthread_sigmask(SIG_SETMASK, &all, nullptr);  // threads inherit this
  std::thread([this] { run_server(control_server_, "control"); }).detach();
  std::thread([this] { run_server(mta_server_, "map and policy"); }).detach();
  std::atomic<bool> signals_ours{false};
  std::thread([this, &signals_ours] {
    signals_ours.wait(false);
    session::run_milter();
    log_.error("libmilter stopped unasked");
    ::_exit(exit_failure);
  }).detach();
  pthread_sigmask(SIG_SETMASK, &none, nullptr);
  signals_ours = true;
  signals_ours.notify_one();
  log_.info("version " PACKAGE_VERSION " ready: " + std::to_string(connectors()) + " connectors, milter on " + config_->service.milter.address);
  notify_systemd("READY=1");
  for (;;) {
    while (sem_wait(&wake) != 0) {
    }
    if (stops_wanted.load() > 0) break;
    if (reload_wanted.exchange(false)) reload();
  }
  drain();
  return 0;
}

int start(const std::string& config_file, bool check_only) {
  const auto loaded = load(config_file);
  for (const auto& diagnostic : loaded.diagnostics) std::cerr << diagnostic.to_string() << '\n';
  if (!loaded.config) return exit_config;
  if (check_only) return 0;
  catch_signals();
  raise_descriptor_limit();
  static Daemon* daemon = nullptr;  // never destroyed: other threads use it until _exit()
  daemon = new Daemon(config_file, loaded);
  if (const auto why = daemon->open(); !why.empty()) {
    daemon->remove_sockets();
    std::cerr << own_user << ": " << why << '\n';
    return exit_failure;
  }
  return daemon->run();
}

}  // namespace

int main(int argc, char** argv) {
  CLI::App app{"Mail connectors for Postfix and Sendmail", own_user};
  std::string config_file = cm::config::default_path;
  bool check_only = false;
  app.add_option("-c", config_file, "configuration file")->type_name("FILE")->capture_default_str();
  app.add_flag("-n", check_only, "check the configuration and exit: 0, or 78 if it is bad");
  app.set_version_flag("--version", std::string(own_user) + " " PACKAGE_VERSION);
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& e) {
    return app.exit(e) == 0 ? 0 : exit_usage;
  }
  int status = exit_failure;
  try {
    status = start(config_file, check_only);
  } catch (const std::exception& e) {
    std::cerr << own_user << ": " << e.what() << '\n';
  }
  std::cerr.flush();
  ::_exit(status);
}
