// A fitted density as the command line sees it: rows of doubles in data units in, numbers out.
#pragma once

#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "core/parallel.h"
#include "data/columns.h"
#include "data/schema.h"
#include "flow/archive.h"
#include "flow/conditionals.h"
#include "flow/reference.h"

namespace flowfit::flow {

/// Columns are vectors of n doubles in data units: D of them in the order of `schema().columns`, and C of context (none when C = 0).
/// A row's result depends on that row alone, bit for bit: not on its neighbours, its position, or the pool.
class Model {
 public:
  struct ParameterInfo {
    std::string name;
    std::vector<std::size_t> shape;
    std::size_t size;
    bool learned;  ///< false: running statistics
  };

  virtual ~Model() = default;
  const std::string& config() const { return config_; }  ///< resolved, as JSON text
  const data::Schema& schema() const { return schema_; }
  const std::string& record() const {
    return record_;
  }  ///< what training noted (steps, nll, rows, …), as JSON text; empty for a model made by a script
  /// What training left to hold scores against; empty in a model made by a script.
  const Reference& reference() const { return reference_; }
  virtual std::vector<ParameterInfo> parameters() const = 0;
  virtual bool float64() const = 0;

  /// What may be expected of it.
  struct Traits {
    int members;       ///< of an ensemble; several have no one base: encode and decode are not to be asked (std::logic_error)
    double tolerance;  ///< of decode(encode(x)) = x in float64: what its layers declare, in all
    bool estimates;    ///< whether a log-determinant is an estimate
    std::vector<std::pair<double, double>> base_support;  ///< the interval each column of the base side lives in
    std::vector<bool> standard_normal;                    ///< whether each column of the base side is, whatever the others are
    Conditionals conditionals;
  };
  virtual Traits traits() const = 0;

  /// `"missing": "marginalize"`: a NaN of a modelled column is a missing cell, and a score the density of the row's other cells. See flow/missing.h.
  virtual bool takes_missing() const { return false; }
  /// As of a density (flow/density.h).
  virtual std::optional<std::pair<int, int>> inexact(const std::vector<bool>& missing) const {
    return (void)missing, std::nullopt;
  }

  /// log p of each row in nats, Jacobian of the preprocessing included; −inf outside the support, never NaN for finite rows. NaN for a row that inexact() has
  /// something to say of.
  virtual void log_prob(const data::Columns& columns, const data::Columns& context, std::span<double> out,
                        core::ThreadPool& pool) const = 0;
  /// The same under a baseline of reference().
  void log_prob(const Baseline& baseline, const data::Columns& columns, const data::Columns& context, std::span<double> out,
                core::ThreadPool& pool) const;
  /// log p(x_d | the columns it looks at) of each of n rows and each column, which sum to log_prob. Only where traits().conditionals has no reason against it.
  virtual data::Columns log_prob_by_column(const data::Columns& columns, const data::Columns& context, std::size_t n,
                                           core::ThreadPool& pool) const = 0;
  /// Rows of the stream `seed` by their places in it. `context`: a row for each, or none.
  virtual data::Columns sample(std::uint64_t seed, std::span<const std::uint64_t> places, const data::Columns& context,
                               core::ThreadPool& pool) const = 0;
  /// Rows `first` … `first + n − 1` of the stream.
  data::Columns sample(std::uint64_t seed, std::uint64_t first, std::size_t n, const data::Columns& context,
                       core::ThreadPool& pool) const;
  /// data → base; log_det: log|det d base / d data| of each row.
  virtual data::Columns encode(const data::Columns& columns, const data::Columns& context, std::span<double> log_det,
                               core::ThreadPool& pool) const = 0;
  /// base → data; log_det: log|det d data / d base|.
  virtual data::Columns decode(const data::Columns& columns, const data::Columns& context, std::span<double> log_det,
                               core::ThreadPool& pool) const = 0;

  /// Of the sum of some rows' scores: by each cell, in data units, and by each parameter, in the order of parameters().
  struct Gradient {
    data::Columns rows;
    std::vector<double> parameters;
  };
  virtual Gradient gradient(const data::Columns& columns, const data::Columns& context) const = 0;
  /// The scores of the same model with `move` added to its parameters, in the order of parameters(); what a mask holds at zero stays there.
  virtual void log_prob_moved(std::span<const double> move, const data::Columns& columns, const data::Columns& context,
                              std::span<double> out, core::ThreadPool& pool) const = 0;

 protected:
  /// `integer_points`: see score_rows.
  explicit Model(data::Schema schema, int integer_points = 1) : schema_(std::move(schema)), integer_points_(integer_points) {}
  data::Schema schema_;
  int integer_points_;
  std::string config_, record_;
  Reference reference_;
};

inline constexpr const char* format_version = "1";

/// The file behind MODEL: a run folder's model.safetensors, or the path itself. Throws IoError when there is none (`run not finished` for a folder without one).
std::string model_path(const std::string& run_or_file);

/// Loads a run folder or a model file. Throws ModelError (damaged, wrong shapes, unknown tensors, newer format, …) or IoError.
/// `in_double`: computes in float64 whatever the dtype of the file, for checks that difference scores.
std::unique_ptr<Model> load_model(const std::string& run_or_file, bool in_double = false);
/// The same from an archive already read.
std::unique_ptr<Model> make_model(const Archive& archive, const std::string& where, bool in_double = false);

}  // namespace flowfit::flow
