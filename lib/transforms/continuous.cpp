// continuous: the row flows along dz/dt = f(z, t) from the data (t = 0) to the base (t = 1), f a dense network; the log-determinant is the integral of tr ∂f/∂z.
//
// Grathwohl, Chen, Bettencourt, Sutskever, Duvenaud, "FFJORD", ICLR 2019. Dormand–Prince 5(4) with a step of each row's own, so that its score does not depend on
// its block; both directions integrate, the other one backwards in time, so they undo each other up to the solver's tolerance. Gradients go back through the
// accepted steps, each computed again from its start (step sizes held constant). trace "exact" (default): D forward-mode columns; "hutchinson": an estimate from
// `probes` vectors, random in training and fixed in scores. Parameters: `net.…`; beside the row the first layer reads [t | context].
#include <algorithm>
#include <cmath>

#include "autodiff/ops/elementwise.h"
#include "autodiff/ops/runge_kutta.h"
#include "nn/jet_network.h"
#include "transforms/probes.h"
#include "transforms/row_options.h"

namespace flowfit::transforms {
namespace {

// Steps shorter than this are taken whatever their error: an end is always reached.
constexpr double shortest_step = 1e-3;

template <class T>
class Continuous final : public Transform<T> {
 public:
  Continuous(const config::Node& node, const Build& build)
      : Transform<T>(build),
        given_(seen_context(node, build)),
        network_(node.member("net"), build.layout, build.name + ".net", build.features, 1 + given_,
                 {"tanh", "elu", "silu", "softplus"}) {
    // Finer than the dtype's rounding is no tolerance.
    const double least = 20 * static_cast<double>(std::numeric_limits<T>::epsilon());
    atol_ = static_cast<T>(std::max(node.number("atol", 1e-6, {.low = 0.0, .high = 1.0, .open_low = true}), least));
    rtol_ = static_cast<T>(std::max(node.number("rtol", 1e-5, {.low = 0.0, .high = 1.0, .open_low = true}), least));
    exact_ = node.choice("trace", "exact", {"exact", "hutchinson"}) == "exact";
    if (!exact_) probes_ = Probes<T>(node, build);
    this->allow(10 * static_cast<double>(atol_ + rtol_));  // they bound the error of a step; those of the steps add up
  }
  bool estimates() const override { return !exact_; }

 protected:
  Mapped<T> map_forward(Pass<T>& pass, Var<T> x, Var<T> context) const override { return map(pass, x, context, false); }
  Mapped<T> map_inverse(Pass<T>& pass, Var<T> y, Var<T> context) const override { return map(pass, y, context, true); }

 private:
  struct Setting {
    Var<T> context, tangents;
    T scale;      // of the trace
    bool scores;  // time runs from the data to the base
  };
  // An attempted step of all rows; `length` is 0 in rows that did not take it.
  struct Step {
    Step* earlier;
    T *state, *start, *length;  // B x (D + 1), B, B
  };

  // d state / d(time gone) at `gone`; the state is [z | log-det], B x (D + 1).
  Var<T> slope(Pass<T>& pass, const Var<T>* weights, const Setting& s, Var<T> state, const T* gone) const {
    nn::Tape<T>& tape = pass.tape;
    const Index rows = state.rows, n = state.cols - 1;
    const Var<T> time = tape.make(rows, 1, false);
    for (Index i = 0; i < rows; ++i) time.value[i] = s.scores ? gone[i] : T(1) - gone[i];
    const Var<T> jet = network_.run(pass, weights, autodiff::make_jet(tape, state.columns(0, n), s.tangents),
                                    autodiff::concat(tape, time, s.context), rows);
    const Var<T> trace = autodiff::contract_tangents(
        tape, s.tangents, autodiff::jet_blocks(tape, jet, rows, 1, s.tangents.rows / rows), rows, s.scale);
    return autodiff::concat(tape, autodiff::jet_blocks(tape, jet, rows, 0, 1), trace);
  }

  // Slopes of stages 1 … `stages` − 1 from that of stage 0, into k; `start` and `length` B each.
  void stages(Pass<T>& pass, const Var<T>* weights, const Setting& s, Var<T> state, const T* start, const T* length, int stages,
              Var<T>* k) const {
    T* gone = pass.tape.scratch(state.rows);
    for (int stage = 1; stage < stages; ++stage) {
      const auto& row = autodiff::dormand_prince.weights[static_cast<std::size_t>(stage)];
      for (Index i = 0; i < state.rows; ++i)
        gone[i] =
            start[i] + static_cast<T>(autodiff::dormand_prince.times[static_cast<std::size_t>(stage)]) * std::abs(length[i]);
      k[stage] = slope(pass, weights, s, autodiff::weighted_step(pass.tape, state, k, row.data(), stage, length), gone);
    }
  }

  Mapped<T> map(Pass<T>& pass, Var<T> in, Var<T> context, bool scores) const {
    nn::Tape<T>& tape = pass.tape;
    const Index rows = in.rows, n = in.cols;
    const Setting s{given_ > 0 ? context : Var<T>{},
                    exact_ ? autodiff::unit_tangents(tape, rows, n) : probes_.tangents(pass, rows),
                    exact_ ? T(1) : probes_.scale(pass), scores};
    const Var<T> out = tape.make(rows, n + 1, true);
    std::copy_n(in.value, in.size(), out.value);
    std::fill_n(out.value + in.size(), rows, T(0));
    const Step* last = integrate(pass, s, out);
    if (out.wants_grad()) {
      tape.on_backward([this, s, in, out, last, p = Pass<T>(pass)] {
        Pass<T> again = p;
        for (const Step* step = last; step; step = step->earlier) retrace(again, s, *step, out.adjoint);
        if (in.wants_grad()) in.adj() += out.columns(0, in.cols).adj();
      });
    }
    return {out.columns(0, n), out.columns(n, 1)};
  }

  // g: the adjoint of the state after a step → before it; those of parameters and context are added to.
  void retrace(Pass<T>& pass, const Setting& s, const Step& step, T* g) const {
    nn::Tape<T>& tape = pass.tape;
    const typename nn::Tape<T>::Replay replay(tape);
    const Index n = this->features() + 1, rows = s.tangents.rows / (exact_ ? n - 1 : probes_.count());
    const Var<T> state = tape.make(rows, n, true);
    std::copy_n(step.state, state.size(), state.value);
    const Var<T>* weights = network_.weights(pass);
    Var<T> k[autodiff::DormandPrince::stages];
    k[0] = slope(pass, weights, s, state, step.start);
    stages(pass, weights, s, state, step.start, step.length, 6, k);
    const Var<T> after = autodiff::weighted_step(tape, state, k, autodiff::dormand_prince.weights[6].data(), 6, step.length);
    std::copy_n(g, state.size(), after.adjoint);
    tape.backward();
    std::copy_n(state.adjoint, state.size(), g);
  }

  // Moves `state` to the end of time, every row with steps of its own. Returns the last step where there will be a way back.
  const Step* integrate(Pass<T>& pass, const Setting& s, Var<T> state) const {
    nn::Tape<T>& tape = pass.tape;
    const Index rows = state.rows, size = state.size();
    // With time running backwards the state moves against the slope.
    const T sign = s.scores ? T(1) : T(-1);
    T *gone = tape.scratch(rows), *length = tape.scratch(rows), *signed_length = tape.scratch(rows), *first = tape.scratch(size);
    bool* rejected = tape.template scratch<bool>(rows);
    std::fill_n(gone, rows, T(0));
    std::fill_n(rejected, rows, false);
    {
      const typename nn::Tape<T>::Evaluation evaluation(tape);
      const Var<T> k = slope(pass, network_.weights(pass), s, state, gone);
      std::copy_n(k.value, size, first);
    }
    for (Index i = 0; i < rows; ++i) {
      T square = 0;
      for (Index j = i; j < size; j += rows) square += squared(first[j] / (atol_ + rtol_ * std::abs(state.value[j])));
      length[i] = std::min(T(1), T(0.5) * std::pow(std::sqrt(square / static_cast<T>(state.cols)) + T(1e-10), T(-0.2)));
    }
    Step* last = nullptr;
    while (true) {
      bool all = true;
      for (Index i = 0; i < rows; ++i) {
        length[i] = std::min(std::max(length[i], T(shortest_step)), T(1) - gone[i]);
        signed_length[i] = sign * length[i];
        all = all && gone[i] >= T(1);
      }
      if (all) return last;
      Step* step = nullptr;
      if (state.wants_grad()) {
        step = tape.template scratch<Step>(1);
        *step = {last, tape.scratch(size), tape.scratch(rows), tape.scratch(rows)};
        std::copy_n(state.value, size, step->state);
        std::copy_n(gone, rows, step->start);
      }
      const typename nn::Tape<T>::Evaluation evaluation(tape);
      const Var<T>* weights = network_.weights(pass);
      Var<T> k[autodiff::DormandPrince::stages];
      k[0] = tape.make(rows, state.cols, false);
      std::copy_n(first, size, k[0].value);
      stages(pass, weights, s, state, gone, signed_length, 6, k);
      const Var<T> after = autodiff::weighted_step(tape, state, k, autodiff::dormand_prince.weights[6].data(), 6, signed_length);
      T* then = tape.scratch(rows);
      for (Index i = 0; i < rows; ++i) then[i] = gone[i] + length[i];
      k[6] = slope(pass, weights, s, after, then);
      const Var<T> error = tape.make(rows, state.cols, false);
      error.val().setZero();
      autodiff::weighted_sum(k, autodiff::dormand_prince.error.data(), 7, signed_length, error);
      for (Index i = 0; i < rows; ++i) {
        T square = 0;
        for (Index j = i; j < size; j += rows)
          square += squared(error.value[j] / (atol_ + rtol_ * std::max(std::abs(state.value[j]), std::abs(after.value[j]))));
        const T ratio = std::sqrt(square / static_cast<T>(state.cols));
        const bool taken = gone[i] < T(1) && (ratio <= T(1) || !(length[i] > T(shortest_step)));
        if (step) step->length[i] = taken ? signed_length[i] : T(0);
        if (gone[i] >= T(1)) continue;
        const T most = taken && !rejected[i] ? T(5) : T(1);
        if (taken) {
          gone[i] = length[i] >= T(1) - gone[i] ? T(1) : then[i];
          for (Index j = i; j < size; j += rows) {
            state.value[j] = after.value[j];
            first[j] = k[6].value[j];
          }
        }
        rejected[i] = !taken;
        // NaN is an error too large.
        length[i] *= ratio >= T(0) ? std::clamp(T(0.9) * std::pow(ratio + T(1e-10), T(-0.2)), T(0.2), most) : T(0.2);
      }
      if (step) last = step;
    }
  }

  static T squared(T v) { return v * v; }

  int given_;  // columns of the context that the network reads
  nn::JetNetwork<T> network_;
  T atol_, rtol_;
  bool exact_;
  Probes<T> probes_;
};

}  // namespace

TransformEntry continuous_transform() {
  // Each direction is right to the solver's tolerance, not to rounding. The examples ask for more than the defaults: what differences see of a
  // step more or less must be small.
  return transform_entry<Continuous>(
      "continuous",
      {{R"({"type": "continuous", "atol": 1e-8, "rtol": 1e-7, "net": {"hidden": [5]}})", 2, 0},
       {R"({"type": "continuous", "atol": 1e-8, "rtol": 1e-7, "trace": "hutchinson", "net": {"hidden": [4], "activation": "softplus"}})",
        1, 0},
       {R"({"type": "continuous", "atol": 1e-8, "rtol": 1e-7, "context": true, "net": {"hidden": [4, 5], "activation": "silu"}})",
        3, 2}},
      1e-6);
}

}  // namespace flowfit::transforms
