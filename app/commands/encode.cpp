// flowfit encode: maps rows to the base distribution.
#include "commands/encode.h"

#include "commands/mapping.h"

namespace flowfit::commands {

std::string_view Encode::help() const {
  return R"(usage: flowfit encode MODEL [FILE] [-o FILE] [--log-det] [--delimiter C]

Maps the rows of a table (standard input when FILE is absent or "-") to the base distribution of the flow: what `decode` turns
back. The columns keep their names, and context columns go through unchanged.

Options
  -o, --output FILE   where to write (default: standard output); its ending says how: .csv, .tsv, .jsonl, .npy
      --delimiter C   what separates the fields of FILE: tab, semicolon, … (default: comma; tab for .tsv)
      --log-det       add a column `log_det`: log|det d base / d data| of each row

Examples
  flowfit encode runs/circles data/circles.csv > base.csv
  flowfit encode runs/circles data/circles.csv | flowfit decode runs/circles
)";
}

void Encode::options(Options& options) {
  options.positional("MODEL", model_);
  options.positional("FILE", file_);
  options.value("-o,--output", output_);
  options.value("--delimiter", delimiter_);
  options.flag("--log-det", log_det_);
}

int Encode::run(const Context& context) {
  return map_table(Direction::encode,
                   {.model = needed(model_, name(), "MODEL"),
                    .input = file_.value_or("-"),
                    .output = output_.value_or("-"),
                    .log_det = log_det_,
                    .delimiter = delimiter_option(delimiter_)},
                   context);
}

}  // namespace flowfit::commands
