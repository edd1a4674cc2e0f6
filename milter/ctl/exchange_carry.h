// One Exchange connector on its way into our config: what the four translations share.
#pragma once

#include <set>
#include <string>
#include <vector>

#include "ctl/connector_text.h"
#include "ctl/exchange.h"
#include "ctl/exchange_export.h"

namespace cm::ctl {

/// What one translation must know of the others.
struct ImportSurroundings {
  const ImportSettings& settings;
  std::vector<std::string> names;           // taken
  std::vector<std::string> listeners;       // that the new config would need
  std::set<unsigned> open_ports;            // on which anonymous clients from everywhere may send
  std::vector<std::string> receive_names;   // in Exchange, of receive connectors that became grants ...
  std::vector<std::string> receive_grants;  // ... and what they are called here
  unsigned rules = 0;                       // rule-scoped outbound connectors so far: their costs must differ
};

class Carrier {
 public:
  Carrier(ExchangeObject& exchange, ImportSurroundings& around, std::vector<ImportRemark>& remarks)
      : in(exchange), around_(around), remarks_(remarks) {
    out.outbound = in.cmdlet() == Cmdlet::outbound || in.cmdlet() == Cmdlet::send;
    out.name = free_name(in.name(), around.names);
  }

  void inbound();
  void outbound();
  void receive();
  void send();
  void finish();  // last: the parameters that nobody asked for

  ExchangeObject& in;
  ConnectorText out;
  std::vector<ConnectorText> more;  // further entries for the same connector

 private:
  void note(const std::string& text) { out.comments.push_back(text); }
  void common();
  void remark(bool error, std::string_view parameter, std::string message);
  // warn: in force, and differs. fail: not in force, and that may be weaker. leave_to_main_cf: no difference of the connector.
  void warn(std::string_view parameter, std::string message) { remark(false, parameter, std::move(message)); }
  void leave_to_main_cf(std::string_view parameter, std::string message);
  void fail(std::string_view parameter, std::string message) {
    out.demote(ConnectorText::State::disabled);
    remark(!off_, parameter, std::move(message));
  }
  /// A grant that would be wider than in Exchange, or is none there: without it nothing is weaker.
  void withhold(std::string_view parameter, std::string message) {
    out.demote(ConnectorText::State::disabled);
    remark(false, parameter, std::move(message));
  }
  void leave_out(std::string_view parameter, std::string message, bool error) {
    out.demote(ConnectorText::State::left_out);
    remark(error && !off_, parameter, std::move(message));
  }
  // inbound
  void partner();
  void partner_certificate();
  void on_premises();
  void grant_senders(bool by_certificate, const std::string& name);
  [[nodiscard]] bool is_ours(std::string_view host) const;
  void withhold_if_shared(const std::vector<std::string>& sources, const std::string& certificate);
  void set_certificate(const CertificateName& name, std::string_view parameter);
  // outbound and send
  void outbound_recipients();
  void next_hop(bool by_mx, unsigned port);
  void tls(unsigned level, bool opportunistic_dane, bool by_mx);
  void verified(unsigned level, bool by_mx);
  void rule_scoped();
  void linked();
  void send_authentication();
  unsigned send_tls_level();
  // receive
  void set_listeners(bool grants);
  void receive_limits();
  void receive_grant();
  void receive_anonymous(bool everywhere);

  ImportSurroundings& around_;
  std::vector<ImportRemark>& remarks_;
  bool off_ = false;              // in Exchange: then nothing is weaker without it
  bool hops_lack_names_ = false;  // every smart host is an address
};

/// Of a receive connector: "0.0.0.0:25", "[::]:25", "192.0.2.1:587".
struct Binding {
  std::string address;  // empty: any
  unsigned port = 0;
};
std::vector<Binding> bindings_of(ExchangeObject& receive);
bool is_open_to_all(ExchangeObject& receive);  // its RemoteIPRanges hold every IPv4 address
bool lets_anonymous_in(ExchangeObject& receive);

}  // namespace cm::ctl
