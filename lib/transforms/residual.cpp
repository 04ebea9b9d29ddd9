// residual: x + g(x) with a network g of Lipschitz constant below 1, inverted by a search that cannot fail. (The "residual" of a `net` is another thing.)
//
// Behrmann, Grathwohl, Chen, Duvenaud, Jacobsen, "Invertible Residual Networks", ICML 2019; Chen, Behrmann, Duvenaud, Jacobsen, "Residual Flows for Invertible
// Generative Modeling", NeurIPS 2019. log_det "exact" (default up to 16 columns): log det(I + J) with J from D forward-mode columns. "estimate": tr log(I + J) as a
// power series with probe vectors (Hutchinson): in training unbiased by Russian roulette, in scores `terms` terms with fixed probes. direction "scoring"
// (default): the formula takes the data to the base; "sampling": the base to the data. Parameters: `net.…`, the context beside it in the first layer.
#include <algorithm>
#include <cmath>

#include "autodiff/implicit.h"
#include "autodiff/ops/columns.h"
#include "autodiff/ops/elementwise.h"
#include "nn/jet_network.h"
#include "transforms/probes.h"
#include "transforms/row_options.h"

namespace flowfit::transforms {
namespace {

constexpr int exact_columns = 16;  // beyond, the determinant costs more than the network
constexpr int sure_terms = 4;      // of the series in training; each further one with probability 1/2

template <class T>
class Residual final : public Transform<T> {
 public:
  Residual(const config::Node& node, const Build& build)
      : Transform<T>(build),
        scores_(reads_scoring(node)),
        given_(seen_context(node, build)),
        lipschitz_(node.number("lipschitz", 0.97, {.low = 0.0, .high = 0.999, .open_low = true})),
        network_(node.member("net"), build.layout, build.name + ".net", build.features, given_, {"lipswish", "tanh", "elu"},
                 lipschitz_),
        exact_(node.choice("log_det", build.features <= exact_columns ? "exact" : "estimate", {"exact", "estimate"}) == "exact") {
    if (exact_) return;
    terms_ = node.integer("terms", 20, 1, 1000);
    probes_ = Probes<T>(node, build);
    roulette_ = build.layout.reserve_draws(2);
  }
  bool estimates() const override { return !exact_; }

 protected:
  Mapped<T> map_forward(Pass<T>& pass, Var<T> x, Var<T> context) const override { return map(pass, x, context, scores_); }
  Mapped<T> map_inverse(Pass<T>& pass, Var<T> y, Var<T> context) const override { return map(pass, y, context, !scores_); }

 private:
  // What one pass has in common for all calls of g.
  struct Setting {
    const Var<T>* weights;
    Var<T> beside, tangents;
    const T* coefficients;  // of tr J, tr J², …; null: the exact determinant
    int terms;
  };
  struct Result {
    Var<T> value, log_det, jacobian;  // jacobian: the tangents of g where it is exact
  };

  Setting setting(Pass<T>& pass, Var<T> context, Index rows) const {
    Setting s{network_.weights(pass), given_ > 0 ? context : Var<T>{}, {}, nullptr, 0};
    if (exact_) {
      s.tangents = autodiff::unit_tangents(pass.tape, rows, this->features());
      return s;
    }
    s.tangents = probes_.tangents(pass, rows);
    s.terms = terms_;
    double u[2] = {0, 0};
    const bool random = pass.training && pass.rows;
    if (random) {
      // One number of terms for all rows of a step: row ids are below this one.
      core::RandomKey{pass.seed, core::Purpose::estimate, pass.step}.uniforms(~0ull, u, roulette_);
      s.terms = sure_terms + static_cast<int>(std::min(-std::log2(u[0]), 60.0));
    }
    T* c = pass.tape.scratch(s.terms);
    for (int k = 0; k < s.terms; ++k)
      c[k] = probes_.scale(pass) *
             static_cast<T>((k % 2 == 0 ? 1.0 : -1.0) / (k + 1) * (random ? std::exp2(std::max(k + 1 - sure_terms, 0)) : 1.0));
    s.coefficients = c;
    return s;
  }

  Result evaluate(Pass<T>& pass, const Setting& s, Var<T> x) const {
    nn::Tape<T>& tape = pass.tape;
    const Index rows = x.rows, count = s.tangents.rows / rows;
    Var<T> g = network_.run(pass, s.weights, autodiff::make_jet(tape, x, s.tangents), s.beside, rows);
    const Var<T> value = autodiff::add(tape, x, autodiff::jet_blocks(tape, g, rows, 0, 1));
    Var<T> v = autodiff::jet_blocks(tape, g, rows, 1, count);
    if (exact_) return {value, autodiff::log_det_identity_plus(tape, v, rows), v};
    Var<T> log_det = autodiff::contract_tangents(tape, s.tangents, v, rows, s.coefficients[0]);
    for (int k = 1; k < s.terms; ++k) {
      g = network_.run(pass, s.weights, autodiff::make_jet(tape, x, v), s.beside, rows);
      v = autodiff::jet_blocks(tape, g, rows, 1, count);
      log_det = autodiff::add(tape, log_det, autodiff::contract_tangents(tape, s.tangents, v, rows, s.coefficients[k]));
    }
    return {value, log_det, {}};
  }

  Mapped<T> map(Pass<T>& pass, Var<T> in, Var<T> context, bool searches) const {
    const Setting s = setting(pass, context, in.rows);
    if (!searches) {
      const Result r = evaluate(pass, s, in);
      return {r.value, r.log_det};
    }
    Var<T> at, jacobian;  // of the last call
    const auto f = [&](Var<T> x) {
      const Result r = evaluate(pass, s, x);
      at = x;
      jacobian = r.jacobian;
      return Mapped<T>{r.value, r.log_det};
    };
    const auto find = [&](T* x) { search(pass, s, in, x); };
    const auto adjoint = [&] {
      T* factors = exact_ ? factored(pass, jacobian, in.rows) : nullptr;
      Setting still = s;
      still.weights = network_.fixed(pass, s.weights);
      still.beside.adjoint = nullptr;
      return [this, factors, still, at, p = Pass<T>(pass)](T* g) {
        if (factors)
          autodiff::solve_transposed_each(factors, at.cols, at.rows, g);
        else
          iterate_adjoint(p, still, at, g);
      };
    };
    return autodiff::invert_rows(pass.tape, in, f, find, adjoint);
  }

  static T* factored(Pass<T>& pass, Var<T> jacobian, Index rows) {
    const Index n = jacobian.cols;
    T* factors = pass.tape.scratch(n * n * rows);
    std::copy_n(jacobian.value, n * n * rows, factors);
    for (Index i = 0; i < n; ++i) autodiff::column_of(factors, rows, i * n + i) += T(1);
    autodiff::factor_each(factors, n, rows);
    return factors;
  }

  // x with x + g(x) = y, each row by itself. A Newton step where the Jacobian is at hand; where it does not halve the error, the fixed-point step x − error, which
  // shrinks it by the Lipschitz constant, until rounding ends that.
  void search(Pass<T>& pass, const Setting& s, Var<T> y, T* x) const {
    constexpr int most_rounds = 3000;
    enum State : char { start, newton, contraction, done };
    nn::Tape<T>& tape = pass.tape;
    const Index rows = y.rows, n = y.cols;
    T *trial = tape.scratch(rows * n), *error = tape.scratch(rows * n), *step = tape.scratch(rows * n),
      *best = tape.scratch(rows);
    auto* state = tape.template scratch<State>(rows);
    std::copy_n(y.value, y.size(), trial);
    std::copy_n(y.value, y.size(), x);
    std::fill_n(state, rows, start);
    for (int round = 0; round < most_rounds; ++round) {
      const typename nn::Tape<T>::Evaluation evaluation(tape);
      const Var<T> at = tape.make(rows, n, false);
      std::copy_n(trial, rows * n, at.value);
      Var<T> value, jacobian;
      if (exact_) {
        const Result r = evaluate(pass, s, at);
        value = r.value;
        jacobian = r.jacobian;
      } else {
        value = autodiff::add(tape, at, network_.run(pass, s.weights, at, s.beside, rows));
      }
      // The Newton step from the trial, for those rows that will take it.
      T* leap = tape.scratch(rows * n);
      for (Index k = 0; k < rows * n; ++k) leap[k] = value.value[k] - y.value[k];
      if (exact_) autodiff::solve_each(factored(pass, jacobian, rows), n, rows, leap);
      bool all = true;
      for (Index i = 0; i < rows; ++i) {
        if (state[i] == done) continue;
        T norm = 0;
        for (Index k = i; k < rows * n; k += rows) norm += (value.value[k] - y.value[k]) * (value.value[k] - y.value[k]);
        norm = std::sqrt(norm);
        const T enough = state[i] == newton ? T(0.5) : static_cast<T>((3 + lipschitz_) / 4);
        const bool accepted = state[i] == start || norm <= enough * best[i];
        if (accepted) {
          best[i] = norm;
          for (Index k = i; k < rows * n; k += rows) {
            x[k] = trial[k];
            error[k] = value.value[k] - y.value[k];
            step[k] = leap[k];
          }
          state[i] = !(norm > T(0)) ? done : exact_ ? newton : contraction;
        } else {
          state[i] = state[i] == newton ? contraction : done;
        }
        for (Index k = i; k < rows * n; k += rows) trial[k] = x[k] - (state[i] == newton ? step[k] : error[k]);
        all = all && state[i] == done;
      }
      if (all) return;
    }
  }

  // λ with λ + Jᵀ·λ = g, where J is too large to have: λ ← g − Jᵀ·λ, each row until it stands still.
  void iterate_adjoint(Pass<T> pass, const Setting& s, Var<T> at, T* g) const {
    constexpr int most_rounds = 3000;
    nn::Tape<T>& tape = pass.tape;
    pass.gradients = nullptr;
    const Index rows = at.rows, size = at.size();
    T *lambda = tape.scratch(size), *last = tape.scratch(rows);
    std::copy_n(g, size, lambda);
    std::fill_n(last, rows, std::numeric_limits<T>::infinity());
    for (int round = 0; round < most_rounds; ++round) {
      const typename nn::Tape<T>::Replay replay(tape);
      const Var<T> x = tape.make(rows, at.cols, true);
      std::copy_n(at.value, size, x.value);
      const Var<T> value = network_.run(pass, s.weights, x, s.beside, rows);
      std::copy_n(lambda, size, value.adjoint);
      tape.backward();
      bool all = true;
      for (Index i = 0; i < rows; ++i) {
        if (last[i] < T(0)) continue;
        T change = 0;
        for (Index k = i; k < size; k += rows) {
          const T next = g[k] - x.adjoint[k];
          change += (next - lambda[k]) * (next - lambda[k]);
          lambda[k] = next;
        }
        // Rounding ends the contraction.
        last[i] = change > T(0) && change < last[i] ? change : T(-1);
        all = all && last[i] < T(0);
      }
      if (all) break;
    }
    std::copy_n(lambda, size, g);
  }

  bool scores_;
  int given_;  // columns of the context that the network reads
  double lipschitz_;
  nn::JetNetwork<T> network_;
  bool exact_;
  int terms_ = 0;
  std::uint32_t roulette_ = 0;
  Probes<T> probes_;
};

}  // namespace

TransformEntry residual_transform() {
  return transform_entry<Residual>(
      "residual",
      {{R"({"type": "residual", "lipschitz": 0.97, "net": {"hidden": [5]}})", 2, 0},
       {R"({"type": "residual", "lipschitz": 0.9, "context": true, "direction": "sampling", "net": {"hidden": [4, 6], "activation": "tanh"}})",
        3, 2},
       {R"({"type": "residual", "lipschitz": 0.3, "log_det": "estimate", "terms": 8, "probes": 3, "net": {"hidden": [5], "activation": "elu"}})",
        3, 0}});
}

}  // namespace flowfit::transforms
