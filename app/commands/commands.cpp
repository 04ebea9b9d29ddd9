// The list of commands: a new one is a file beside this and a line here.
#include "commands/check.h"
#include "commands/command.h"
#include "commands/compare.h"
#include "commands/completion.h"
#include "commands/cv.h"
#include "commands/decode.h"
#include "commands/encode.h"
#include "commands/evaluate.h"
#include "commands/impute.h"
#include "commands/init.h"
#include "commands/inspect.h"
#include "commands/logprob.h"
#include "commands/manual.h"
#include "commands/plot.h"
#include "commands/report.h"
#include "commands/sample.h"
#include "commands/train.h"

namespace flowfit::commands {

std::vector<std::unique_ptr<Command>> all_commands() {
  std::vector<std::unique_ptr<Command>> all;
  all.push_back(std::make_unique<Init>());
  all.push_back(std::make_unique<Train>());
  all.push_back(std::make_unique<Cv>());
  all.push_back(std::make_unique<Check>());
  all.push_back(std::make_unique<Sample>());
  all.push_back(std::make_unique<Impute>());
  all.push_back(std::make_unique<Logprob>());
  all.push_back(std::make_unique<Evaluate>());
  all.push_back(std::make_unique<Compare>());
  all.push_back(std::make_unique<Encode>());
  all.push_back(std::make_unique<Decode>());
  all.push_back(std::make_unique<Inspect>());
  all.push_back(std::make_unique<Plot>());
  all.push_back(std::make_unique<Report>());
  all.push_back(std::make_unique<Manual>());
  all.push_back(std::make_unique<Completion>());
  return all;
}

}  // namespace flowfit::commands
