// An export of Exchange's connectors: whatever it says, the result is a config that `check` takes, or a reason why there is none.
#include "config/load.h"
#include "ctl/exchange.h"
#include "fuzz.h"
#include "policy/text.h"

using namespace cm;

FUZZ_TARGET(import) {
  for (const bool whole : {true, false}) {
    const ctl::ImportSettings settings{
        whole ? std::vector{*DomainPattern::parse(".d.example")} : std::vector<DomainPattern>{}, whole, {"x"}, {"mx"}, {"f"}};
    const auto imported = ctl::import_exchange({std::string(in)}, settings);  // holds its own result against check, and throws if that fails
    REQUIRE(imported ? text::is_utf8(imported->text) : !imported.why.empty());
    if (!imported) continue;
    for (const auto& remark : imported->remarks) REQUIRE(!remark.message.empty() && !remark.cmdlet.empty());
  }
}
