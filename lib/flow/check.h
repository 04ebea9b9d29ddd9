// Figures that show whether a model's density is one, and whether it can be trained and sampled: each with what it may be.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "core/parallel.h"
#include "flow/check_categories.h"
#include "flow/figure.h"
#include "flow/importance.h"
#include "flow/integral.h"
#include "flow/model.h"

namespace flowfit::flow {

/// Points that must give numbers and do not.
struct Tails {
  std::size_t scored = 0, decoded = 0;  ///< rows far out, and base points at the ends of what is drawn
  Figure bad;
};

/// A total mass of many columns; `off`: |value − 1|.
struct CheckedMass {
  Mass mass;
  Figure off;
};

struct ModelCheck {
  bool has_numbers =
      true;  ///< false: every column is categorical, and of what follows down to `categories` only the gradient by parameters is
  std::size_t rows = 0, log_det_rows = 0, gradient_rows = 0;
  bool estimates = false;  ///< a layer estimates its log-determinant: what depends on its error is shown, not judged
  bool has_base = true;    ///< false of an ensemble: round trip and log-det are those of no map, and were not looked at
  Figure round_trip;       ///< largest |decode(encode(x)) − x| of a cell, relative to the larger of |x| and the column's scale
  Figure log_det;          ///< largest |log_det − log|det of the Jacobian by central differences||, absolute, in nats
  Figure row_gradient;     ///< largest |difference − gradient| / (1 + |gradient|) of a score by its row
  Figure parameter_gradient;  ///< the same of a score by a parameter tensor
  std::string parameter;      ///< that tensor; empty: nothing is learned
  std::size_t tensors = 0;
  Tails tails;
  std::optional<Integral> integral;            ///< of the density, for one or two columns; of several contexts the worst
  Figure integral_off;                         ///< |integral − 1|
  std::optional<CheckedMass> wider, narrower;  ///< for more columns: Importance, of several contexts the worst
  std::optional<CategoryCheck> categories;     ///< where there are such columns

  struct Named {
    const char* name;
    Figure figure;
  };
  /// All that was looked at.
  std::vector<Named> figures() const;
  bool ok() const;
};

/// The parts of a model (flow/parts.h), or null. `numbers` and `categories` are loaded `in_double`: differences of float32 scores show nothing. `as_saved`: the
/// numbers in the dtype of their file, whose tails are looked at too.
struct Checkable {
  const Model *categories, *numbers, *as_saved;
};
/// Checks a model at rows drawn from it, where it is conditional at contexts within two deviations of the middle of those it was trained with, or at any of their
/// categories.
ModelCheck check_model(const Checkable& model, core::ThreadPool& pool, std::uint64_t seed = 0);

}  // namespace flowfit::flow
