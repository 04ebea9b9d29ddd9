// Scaling and squaring, and its way back through every product.
#include "autodiff/ops/exponential.h"

#include <algorithm>
#include <cmath>

#include "autodiff/ops/gemm.h"

namespace flowfit::autodiff {
namespace {

template <class T>
inline constexpr int degree = sizeof(T) == 8 ? 14 : 8;
// More halvings than this only where the exponential overflows anyway.
constexpr int most_squarings = 40;

// D x D matrices, column-major without gaps.
template <class T>
Block<const T> in(const T* m, Index n) {
  return {m, n, n, n};
}
template <class T>
Block<T> out(T* m, Index n) {
  return {m, n, n, n};
}

// ‖A‖₁ / 2^s ≤ 1/2.
template <class T>
int squarings_of(const T* a, Index n) {
  T norm = 0;
  for (Index j = 0; j < n; ++j) {
    T sum = 0;
    for (Index i = 0; i < n; ++i) sum += std::abs(a[j * n + i]);
    norm = std::max(norm, sum);
  }
  if (!std::isfinite(norm)) return 0;
  int exponent = 0;
  (void)std::frexp(norm, &exponent);  // norm < 2^exponent
  return std::clamp(exponent + 1, 0, most_squarings);
}

/// exp(A) of one matrix, with memory for it and for its way back.
template <class T>
class Exponential {
 public:
  Exponential(Tape<T>& tape, Index n)
      : n_(n), scaled_(tape.scratch(n * n)), stages_(tape.scratch(n * n * (degree<T> + most_squarings))) {}

  /// The result stays valid until the next call.
  const T* compute(const T* a) {
    const Index size = n_ * n_;
    squarings_ = squarings_of(a, n_);
    for (Index k = 0; k < size; ++k) scaled_[k] = std::ldexp(a[k], -squarings_);
    // Horner: P_{k−1} = I + X·P_k / k from P_m = I down to P_0; stage m − k holds P_{k−1}.
    for (int k = degree<T>; k >= 1; --k) {
      T* p = stage(degree<T> - k);
      if (k == degree<T>)
        std::copy_n(scaled_, size, p);
      else
        multiply<T>(in(scaled_, n_), in(stage(degree<T> - k - 1), n_), out(p, n_), false);
      for (Index e = 0; e < size; ++e) p[e] /= static_cast<T>(k);
      for (Index i = 0; i < n_; ++i) p[i * n_ + i] += T(1);
    }
    for (int s = 0; s < squarings_; ++s)
      multiply<T>(in(stage(degree<T> + s - 1), n_), in(stage(degree<T> + s - 1), n_), out(stage(degree<T> + s), n_), false);
    return stage(degree<T> + squarings_ - 1);
  }

  /// From the adjoint of the result of the last `compute` that of A, in place. `work`: three matrices.
  void backward(T* adjoint, T* work) {
    const Index size = n_ * n_;
    T *next = work, *flipped = work + size, *sum = work + 2 * size;
    // E·E: Ē = Ȳ·Eᵀ + Eᵀ·Ȳ.
    for (int s = squarings_ - 1; s >= 0; --s) {
      const T* e = stage(degree<T> + s - 1);
      std::fill_n(next, size, T(0));
      multiply_transposed_right<T>(in<T>(adjoint, n_), in(e, n_), out(next, n_));
      multiply_transposed_left<T>(in(e, n_), in<T>(adjoint, n_), out(next, n_), true);
      std::copy_n(next, size, adjoint);
    }
    // I + X·P_k / k: X̄ += P̄·P_kᵀ / k, P̄_k = Xᵀ·P̄ / k.
    std::fill_n(sum, size, T(0));
    for (int k = 1; k <= degree<T>; ++k) {
      for (Index e = 0; e < size; ++e) adjoint[e] /= static_cast<T>(k);
      if (k == degree<T>) {
        for (Index e = 0; e < size; ++e) sum[e] += adjoint[e];
        break;
      }
      multiply_transposed_right<T>(in<T>(adjoint, n_), in<T>(stage(degree<T> - k - 1), n_), out(sum, n_));
      std::fill_n(flipped, size, T(0));
      multiply_transposed_left<T>(in<T>(scaled_, n_), in<T>(adjoint, n_), out(flipped, n_), true);
      std::copy_n(flipped, size, adjoint);
    }
    for (Index e = 0; e < size; ++e) adjoint[e] = std::ldexp(sum[e], -squarings_);
  }

 private:
  T* stage(int number) const { return stages_ + number * n_ * n_; }
  Index n_;
  T *scaled_, *stages_;
  int squarings_ = 0;
};

// ±A from row r of the entries.
template <class T>
void unpack(Var<T> entries, Index row, Generator generator, T sign, Index n, T* a) {
  const T* e = entries.value + row;
  for (Index i = 0; i < n; ++i) {
    for (Index j = 0; j < (generator == Generator::full ? n : i); ++j, e += entries.rows) {
      a[j * n + i] = sign * *e;
      if (generator == Generator::skew) a[i * n + j] = -sign * *e;
    }
    if (generator == Generator::skew) a[i * n + i] = 0;
  }
}

// Adds the adjoint of ±A, and on its diagonal that of its trace, to row r of the entries.
template <class T>
void pack(Var<T> entries, Index row, Generator generator, T sign, Index n, const T* a, T trace) {
  T* e = entries.adjoint + row;
  for (Index i = 0; i < n; ++i) {
    for (Index j = 0; j < (generator == Generator::full ? n : i); ++j, e += entries.rows) {
      if (generator == Generator::skew)
        *e += sign * (a[j * n + i] - a[i * n + j]);
      else
        *e += sign * (a[j * n + i] + (i == j ? trace : T(0)));
    }
  }
}

template <class T>
T trace_of(const T* a, Index n) {
  T sum = 0;
  for (Index i = 0; i < n; ++i) sum += a[i * n + i];
  return sum;
}

}  // namespace

template <class T>
Mapped<T> exponential_map(Tape<T>& tape, Var<T> x, Var<T> entries, Generator generator, bool inverse) {
  const Index rows = x.rows, n = x.cols, size = n * n, own = entries.rows == 1 ? 0 : 1;
  const T sign = inverse ? T(-1) : T(1);
  const bool learns = entries.wants_grad();
  const Var<T> y = tape.make(rows, n, x.wants_grad() || learns),
               log_det = tape.make(rows, 1, learns && generator == Generator::full);
  T* all = tape.scratch(entries.rows * size);  // exp(±A), one or one a row
  T* a = tape.scratch(size);
  Exponential<T> exponential(tape, n);
  for (Index r = 0; r < entries.rows; ++r) {
    unpack(entries, r, generator, sign, n, a);
    std::copy_n(exponential.compute(a), size, all + r * size);
    log_det.value[r] = trace_of(a, n);
  }
  if (own) {
    for (Index i = 0; i < n; ++i) {
      for (Index r = 0; r < rows; ++r) {
        T sum = 0;
        for (Index j = 0; j < n; ++j) sum += all[r * size + j * n + i] * x.value[j * rows + r];
        y.value[i * rows + r] = sum;
      }
    }
  } else {
    // Rows are vectors: (E·x)ᵀ = xᵀ·Eᵀ. multiply_transposed_right accumulates.
    y.val().setZero();
    multiply_transposed_right<T>({x.value, rows, n, rows}, in<T>(all, n), {y.value, rows, n, rows});
    std::fill_n(log_det.value + 1, rows - 1, log_det.value[0]);
  }
  if (y.wants_grad()) {
    tape.on_backward([=, t = &tape] {
      T *adjoint = t->scratch(size), *work = t->scratch(3 * size), *m = t->scratch(size);
      Exponential<T> again(*t, n);
      if (!own) {
        if (x.wants_grad()) multiply<T>({y.adjoint, rows, n, rows}, in<T>(all, n), {x.adjoint, rows, n, rows}, true);
        if (!learns) return;
        std::fill_n(adjoint, size, T(0));
        multiply_transposed_left<T>({y.adjoint, rows, n, rows}, {x.value, rows, n, rows}, out(adjoint, n), true);
        unpack(entries, 0, generator, sign, n, m);
        (void)again.compute(m);
        again.backward(adjoint, work);
        pack(entries, 0, generator, sign, n, adjoint, log_det.wants_grad() ? log_det.adj().sum() : T(0));
        return;
      }
      for (Index r = 0; r < rows; ++r) {
        for (Index j = 0; j < n; ++j) {
          T sum = 0;
          for (Index i = 0; i < n; ++i) {
            sum += all[r * size + j * n + i] * y.adjoint[i * rows + r];
            adjoint[j * n + i] = y.adjoint[i * rows + r] * x.value[j * rows + r];
          }
          if (x.wants_grad()) x.adjoint[j * rows + r] += sum;
        }
        if (!learns) continue;
        // Computed once more: to keep every stage of every row would take twenty matrices a row.
        unpack(entries, r, generator, sign, n, m);
        (void)again.compute(m);
        again.backward(adjoint, work);
        pack(entries, r, generator, sign, n, adjoint, log_det.wants_grad() ? log_det.adjoint[r] : T(0));
      }
    });
  }
  return {y, log_det};
}

template Mapped<float> exponential_map<float>(Tape<float>&, Var<float>, Var<float>, Generator, bool);
template Mapped<double> exponential_map<double>(Tape<double>&, Var<double>, Var<double>, Generator, bool);

}  // namespace flowfit::autodiff
