// flowfit decode: maps rows of the base distribution to data.
#include "commands/decode.h"

#include "commands/mapping.h"

namespace flowfit::commands {

std::string_view Decode::help() const {
  return R"(usage: flowfit decode MODEL [FILE] [-o FILE] [--log-det] [--delimiter C]

Maps rows of the base distribution (CSV; standard input when FILE is absent or "-") to the units of the data: the way that
`sample` takes, with numbers of your own. The columns carry the names of the data's, and context columns go through unchanged.

Options
  -o, --output FILE   where to write (default: standard output); its ending says how: .csv, .tsv, .jsonl, .npy
      --delimiter C   what separates the fields of FILE: tab, semicolon, … (default: comma; tab for .tsv)
      --log-det       add a column `log_det`: log|det d data / d base| of each row

Example
  printf 'x1,x2\n0,0\n1,-1\n' | flowfit decode runs/circles
)";
}

void Decode::options(Options& options) {
  options.positional("MODEL", model_);
  options.positional("FILE", file_);
  options.value("-o,--output", output_);
  options.value("--delimiter", delimiter_);
  options.flag("--log-det", log_det_);
}

int Decode::run(const Context& context) {
  return map_table(Direction::decode,
                   {.model = needed(model_, name(), "MODEL"),
                    .input = file_.value_or("-"),
                    .output = output_.value_or("-"),
                    .log_det = log_det_,
                    .delimiter = delimiter_option(delimiter_)},
                   context);
}

}  // namespace flowfit::commands
