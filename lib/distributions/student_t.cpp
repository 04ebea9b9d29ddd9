// student_t: independent columns of Student's t with df degrees of freedom, learned or given, and a location and scale.
//
// Sampling: Bailey, "Polar generation of random variates with the t-distribution", Mathematics of Computation 62, 1994: two uniforms a column, whatever df is.
// Parameters: `loc` (D), `log_scale` (D), unless "learn": false; `log_df` (D) unless "df" is given. df = e^log_df, held to [0.5, 1e6].
#include <cmath>
#include <numbers>

#include "autodiff/ops/densities.h"
#include "distributions/location_scale.h"

namespace flowfit::distributions {
namespace {

template <class T>
class StudentT final : public LocationScale<T> {
 public:
  StudentT(const config::Node& node, const Build& build)
      : LocationScale<T>(node, build),
        df_(node.number_or_null("df", std::nullopt, {.low = autodiff::student_t_least_df, .high = autodiff::student_t_most_df})) {
    if (!df_)
      log_df_ =
          build.layout.vector(build.name + ".log_df", {build.features},
                              nn::values(std::vector<double>(static_cast<std::size_t>(build.features), std::log(start_df))));
  }

 protected:
  Var<T> standard_log_prob(Pass<T>& pass, Var<T> s) const override {
    return autodiff::student_t_log_prob(
        pass.tape, s, df_ ? autodiff::constant(pass.tape, 1, s.cols, static_cast<T>(std::log(*df_))) : pass.parameter(log_df_));
  }
  void standard_draws(Pass<T>& pass, std::uint64_t row, std::span<double> out, const core::RandomKey& key) const override {
    const T* log_dfs = df_ ? nullptr : pass.parameter(log_df_).value;
    for (std::size_t d = 0; d < out.size(); ++d) {
      const double df =
          df_ ? *df_
              : std::clamp(std::exp(static_cast<double>(log_dfs[d])), autodiff::student_t_least_df, autodiff::student_t_most_df);
      double u[2];
      key.uniforms(row, u, static_cast<std::uint32_t>(2 * d));
      out[d] = std::sqrt(df * std::expm1(-2 / df * std::log(u[0]))) * std::cos(2 * std::numbers::pi * u[1]);
    }
  }
  typename LocationScale<T>::Quartiles quartiles() const override {
    // The normal's, and wider by about half of 1/df of itself.
    const double high = 0.6745 * (1 + 0.48 / df_.value_or(start_df));
    return {-high, 0, high};
  }

 private:
  static constexpr double start_df = 5;
  std::optional<double> df_;  // none: learned
  nn::Slot log_df_;
};

}  // namespace

DistributionEntry student_t_distribution() {
  return distribution_entry<StudentT>("student_t", {{R"({"type": "student_t"})"},
                                                    {R"({"type": "student_t", "df": 1.5})"},
                                                    {R"({"type": "student_t", "df": 30, "learn": false})"}});
}

}  // namespace flowfit::distributions
