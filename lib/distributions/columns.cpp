// columns: a base of its own for each column, by name; the standard normal for those that are not named. Parameters: `columns.<name>.…`, those of each.
#include <algorithm>

#include "autodiff/ops/elementwise.h"
#include "distributions/distribution.h"

namespace flowfit::distributions {
namespace {

template <class T>
class Columns final : public Distribution<T> {
 public:
  Columns(const config::Node& node, const Build& build) {
    const config::Node columns = node.required("columns");
    for (const std::string& name : build.columns) {
      const config::Node base = columns.member(name);
      if (base.is_object() && base.member("type").is_string() && base.member("type").as_string() == "columns")
        base.error_at("type", "a column has one base; give its type here");
      bases_.push_back(make_distribution<T>(base, {build.layout, build.name + ".columns." + name, 1, build.context, {}}));
    }
    columns.finish();
  }
  Var<T> log_prob(Pass<T>& pass, Var<T> z, Var<T> context) const override {
    Var<T> sum;
    for (std::size_t d = 0; d < bases_.size(); ++d) {
      const Var<T> term = bases_[d]->log_prob(pass, z.columns(static_cast<Index>(d), 1), context);
      sum = d == 0 ? term : autodiff::add(pass.tape, sum, term);
    }
    return sum;
  }
  Var<T> sample(Pass<T>& pass, Index rows, Var<T> context, const core::RandomKey& key) const override {
    const Var<T> z = pass.tape.make(rows, static_cast<Index>(bases_.size()), true);
    for (std::size_t d = 0; d < bases_.size(); ++d)
      autodiff::copy(pass.tape, bases_[d]->sample(pass, rows, context, stream(key, d)), z.columns(static_cast<Index>(d), 1));
    return z;
  }
  std::pair<double, double> support() const override {
    std::pair<double, double> hull = bases_.front()->support();
    for (const auto& base : bases_) {
      hull.first = std::min(hull.first, base->support().first);
      hull.second = std::max(hull.second, base->support().second);
    }
    return hull;
  }
  bool standard_normal(Index column) const override { return bases_[static_cast<std::size_t>(column)]->standard_normal(0); }

  bool needs_initialize() const override {
    return std::ranges::any_of(bases_, [](const auto& base) { return base->needs_initialize(); });
  }
  void initialize(std::span<T> parameters, std::span<const T> rows, Index n, const core::RandomKey& key) const override {
    for (std::size_t d = 0; d < bases_.size(); ++d)
      bases_[d]->initialize(parameters, rows.subspan(d * static_cast<std::size_t>(n), static_cast<std::size_t>(n)), n,
                            stream(key, d));
  }

 private:
  // The model's own streams count their epochs from 0, one a factor: a column's lie beyond them.
  static core::RandomKey stream(core::RandomKey key, std::size_t column) {
    key.epoch += static_cast<std::uint32_t>(column + 1) << 16;
    return key;
  }
  std::vector<std::unique_ptr<Distribution<T>>> bases_;  // one a column
};

}  // namespace

DistributionEntry columns_distribution() {
  return distribution_entry<Columns>(
      "columns",
      {{R"({"type": "columns", "columns": {"x1": {"type": "student_t"}}})"},
       {R"({"type": "columns", "columns": {"x1": {"type": "conditional_normal", "net": {"hidden": [], "activation": "tanh"}}}})",
        1}});
}

}  // namespace flowfit::distributions
