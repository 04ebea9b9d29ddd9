// A column of a model: its kind, and the bijection between its numbers and those that the flow sees.
#pragma once

#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "config/json.h"
#include "config/node.h"
#include "data/quantile.h"

namespace flowfit::data {

/// How a column's numbers are to be understood; the words of the config. `ignore` stands in a config alone.
enum class Kind { continuous, positive, bounded, integer, categorical, periodic, ignore };
enum class Preprocess { standardize, none, quantile, whiten };

std::string_view word(Kind kind);

/// What a config says of a column.
struct ColumnSpec {
  std::string name;
  Kind kind = Kind::continuous;
  Preprocess preprocess = Preprocess::standardize;
  std::optional<double> low = {},
                        high =
                            {};  ///< limits; what is not given is seen in the data. Periodic: low alone, where the period begins
  double margin = 0.01;          ///< bounded: limits seen in the data are moved apart by this share of their distance, each
  double period = 1.0;
  std::vector<std::string> categories = {};  ///< categorical: seen in the data

  /// How many numbers a network sees of it as context: an indicator a category, cosine and sine, or the number. Categories that are not known yet count as 2.
  int features() const;

  /// Reads an entry of data.columns or data.context, a name or an object, and resolves its defaults. `preprocess` is that of the whole table.
  static ColumnSpec read(const config::Node& entry, Preprocess preprocess);
  /// The entry of a resolved config: a name where nothing else is said.
  config::Json to_json(Preprocess table) const;
};

/// Reads "preprocess" of `node`.
Preprocess read_preprocess(const config::Node& node, Preprocess fallback);

/// x → flow units: the logarithm (positive) or the logit between the limits (bounded) or the place in its period (periodic) of x, then (v − loc) / scale, or
/// the quantile map of v. An integer k stands for the numbers in [k, k + 1); a category is its code, which passes as it is.
struct Column {
  std::string name;
  double loc = 0.0;
  double scale = 1.0;  ///< > 0
  Kind kind = Kind::continuous;
  double low = 0.0, high = 0.0;    ///< bounded: open limits of the map; periodic: one period
  double least = 0.0, most = 0.0;  ///< bounded, integer: the limits that samples keep
  double cut = 0.0;                ///< periodic: where the circle is cut open, in [low, high)
  QuantileMap quantiles = {};      ///< in place of loc and scale, unless empty
  std::vector<std::string> categories = {};

  /// Of the rows that train; `seen`: other rows, for limits alone. Throws DataError for a constant or a value that the kind does not have. As context (not
  /// `modelled`) a constant is refused only where it cannot be standardized.
  static Column fit(const ColumnSpec& spec, const std::vector<double>& values, const std::vector<double>& seen, bool modelled);

  /// Sets loc and scale to the mean and standard deviation (divisor n) of values that its kind has mapped already. `weights`: of the values, or none.
  void standardize(const std::vector<double>& values, const std::vector<double>& weights = {});
  bool affine() const;  ///< (x − loc) / scale and no more
  /// value: NaN and log_slope −∞ where x is outside the limits; a missing cell (NaN) stays one, with a log_slope of 0.
  Point at(double x) const;
  double back(double value) const;  ///< always inside the limits
  /// A decoded number as it is sampled: whole (integer), and inside the limits of the data.
  double sampled(double x) const;

  /// A value as it stands in a table: a number, or the category of a code.
  std::string text(double value) const;

  config::Json to_json() const;
  static Column from_json(const config::Node& node);
};

}  // namespace flowfit::data
