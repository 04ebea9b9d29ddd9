// The matrix product: one register tile over strips of rows, straight from the caller's columns.
//
// A library's product packs both factors into panels before it multiplies, which pays for large matrices. Here a block has at most some hundred rows, its
// columns are contiguous, and both factors lie in the caches: a tile that reads them where they are is faster at every shape of a conditioner
// network (bench/ops.cpp), and an entry's sum has one order, whatever its place and its neighbours.
#include "autodiff/ops/gemm.h"

#include <algorithm>

namespace flowfit::autodiff {
namespace {

// Eigen's packets are its portable name for the registers of the instruction set.
template <class T>
using Packet = typename Eigen::internal::packet_traits<T>::type;
template <class T>
constexpr Index width = Eigen::internal::packet_traits<T>::size;

// A tile of 3 packets by 4 columns fills 12 of 16 registers with sums and the rest with factors.
constexpr Index strip_packets = 3, tile_columns = 4;
// A strip of the left factor this deep, and what a tile reads of the right one, stay in a first-level cache of 32 kB.
constexpr Index depth_block = 192;

/// The masks of a prefix layer, seen from each of the three products: which part of the depth, and which rows of the result, a column needs.
enum class Masked { nowhere, depth_end, depth_begin, result };
struct Mask {
  Masked where = Masked::nowhere;
  const int* prefix = nullptr;
  Index units = 0;

  Index depth_begin(Index first_column) const {
    return where == Masked::depth_begin ? std::upper_bound(prefix, prefix + units, static_cast<int>(first_column)) - prefix : 0;
  }
  Index depth_end(Index last_column, Index depth) const { return where == Masked::depth_end ? prefix[last_column] : depth; }
  Index result_end(Index column, Index rows) const { return where == Masked::result ? prefix[column] : rows; }
};

template <class T>
struct Tile {
  const T* a;  // depth x strip: entry (i, k) at a[k·a_step + i]
  Index a_step;
  const T* b;  // entry (k, j) at b[k·b_depth + j·b_column]
  Index b_depth, b_column;
  Index depth;
  T* c;  // entry (i, j) at c[j·c_column + i]
  Index c_column;
  bool accumulate;
  bool whole;                // every row of every column is written
  Index live[tile_columns];  // else: rows of each
};

template <class T, int packets, int columns>
void multiply_tile(const Tile<T>& tile) {
  using Eigen::internal::padd, Eigen::internal::pload, Eigen::internal::ploadu, Eigen::internal::pmadd, Eigen::internal::pset1,
      Eigen::internal::pstoreu;
  constexpr Index w = width<T>;
  Packet<T> sum[packets][columns];
  const T* b[columns];
  for (int j = 0; j < columns; ++j) {
    for (int v = 0; v < packets; ++v) sum[v][j] = pset1<Packet<T>>(T(0));
    b[j] = tile.b + j * tile.b_column;
  }
  const T* a = tile.a;
  for (Index k = 0; k < tile.depth; ++k, a += tile.a_step) {
    Packet<T> left[packets];
    for (int v = 0; v < packets; ++v) left[v] = ploadu<Packet<T>>(a + v * w);
    for (int j = 0; j < columns; ++j) {
      const Packet<T> right = pset1<Packet<T>>(b[j][k * tile.b_depth]);
      for (int v = 0; v < packets; ++v) sum[v][j] = pmadd(left[v], right, sum[v][j]);
    }
  }
  // Plain loops of constant length alone: one that is not unrolled would keep the sums in memory.
  if (tile.whole) {
    for (int j = 0; j < columns; ++j) {
      for (int v = 0; v < packets; ++v) {
        T* to = tile.c + j * tile.c_column + v * w;
        pstoreu(to, tile.accumulate ? padd(ploadu<Packet<T>>(to), sum[v][j]) : sum[v][j]);
      }
    }
    return;
  }
  alignas(64) T result[columns][packets * w];
  for (int j = 0; j < columns; ++j) {
    for (int v = 0; v < packets; ++v) pstoreu(&result[j][v * w], sum[v][j]);
  }
  for (int j = 0; j < columns; ++j) {
    T* c = tile.c + j * tile.c_column;
    Index i = 0;
    for (; i + w <= tile.live[j]; i += w) {
      const Packet<T> r = pload<Packet<T>>(&result[j][i]);
      pstoreu(c + i, tile.accumulate ? padd(ploadu<Packet<T>>(c + i), r) : r);
    }
    for (; i < tile.live[j]; ++i) c[i] = tile.accumulate ? c[i] + result[j][i] : result[j][i];
  }
}

template <class T>
void multiply_tile(Index packets, Index columns, const Tile<T>& tile) {
  using Function = void (*)(const Tile<T>&);
  static constexpr Function functions[strip_packets][tile_columns] = {
      {multiply_tile<T, 1, 1>, multiply_tile<T, 1, 2>, multiply_tile<T, 1, 3>, multiply_tile<T, 1, 4>},
      {multiply_tile<T, 2, 1>, multiply_tile<T, 2, 2>, multiply_tile<T, 2, 3>, multiply_tile<T, 2, 4>},
      {multiply_tile<T, 3, 1>, multiply_tile<T, 3, 2>, multiply_tile<T, 3, 3>, multiply_tile<T, 3, 4>}};
  functions[packets - 1][columns - 1](tile);
}

/// The left factor: entry (i, k) at data[i + k·step], or, transposed, at data[k + i·step].
template <class T>
struct Left {
  const T* data;
  Index step;
  bool transposed;
};

/// to[k·strip + i] = entry (first + i, from + k) of the left factor; zero for i ≥ rows.
template <class T>
void pack(const Left<T>& a, Index first, Index rows, Index strip, Index from, Index depth, T* to) {
  using Eigen::internal::PacketBlock, Eigen::internal::ploadu, Eigen::internal::pset1, Eigen::internal::pstoreu,
      Eigen::internal::ptranspose;
  constexpr Index w = width<T>;
  if (a.transposed) {
    for (Index i = 0; i < strip; i += w) {
      const T* source = a.data + (first + i) * a.step + from;
      Index k = 0;
      for (; k + w <= depth; k += w) {
        PacketBlock<Packet<T>, w> square;
        for (Index r = 0; r < w; ++r)
          square.packet[r] = i + r < rows ? ploadu<Packet<T>>(source + r * a.step + k) : pset1<Packet<T>>(T(0));
        ptranspose(square);
        for (Index r = 0; r < w; ++r) pstoreu(to + (k + r) * strip + i, square.packet[r]);
      }
      for (; k < depth; ++k) {
        for (Index r = 0; r < w; ++r) to[k * strip + i + r] = i + r < rows ? source[r * a.step + k] : T(0);
      }
    }
    return;
  }
  for (Index k = 0; k < depth; ++k) {
    const T* source = a.data + first + (from + k) * a.step;
    T* const end = to + (k + 1) * strip;
    T* here = to + k * strip;
    for (; here + w <= to + k * strip + rows; here += w, source += w) pstoreu(here, ploadu<Packet<T>>(source));
    for (; here < to + k * strip + rows; ++here, ++source) *here = *source;
    std::fill(here, end, T(0));
  }
}

/// c (rows x columns) = or += left · b; entry (k, j) of b at b[k·b_depth + j·b_column].
template <class T>
void product(const Left<T>& a, const T* b, Index b_depth, Index b_column, Index depth, Block<T> c, bool accumulate,
             const Mask& mask) {
  constexpr Index w = width<T>, most = strip_packets * w;
  alignas(64) T packed[most * depth_block];
  for (Index from = 0; from < depth; from += depth_block) {
    const Index to = std::min(depth, from + depth_block);
    for (Index first = 0; first < c.rows;) {
      const Index left = c.rows - first;
      // Four packets go as two and two: a strip of one has too little to do.
      const Index packets = left > 3 * w && left <= 4 * w ? 2 : std::min((left + w - 1) / w, strip_packets);
      const Index strip = packets * w, rows = std::min(left, strip);
      Tile<T> tile{a.data + first + from * a.step, a.step, nullptr, b_depth, b_column, 0, nullptr, c.stride, false, false, {}};
      // A strip that serves many columns is copied together first where its own lines would push each other out of the cache: columns a multiple of
      // 512 bytes apart share few of its sets, and a deep strip touches half as many lines again as it fills.
      const bool crowded = c.cols > 32 && (a.step * static_cast<Index>(sizeof(T)) % 512 == 0 || to - from > 128);
      const bool direct = !a.transposed && rows == strip && !crowded;
      if (!direct) {
        pack(a, first, rows, strip, from, to - from, packed);
        tile.a = packed;
        tile.a_step = strip;
      }
      const T* const strip_data = tile.a;
      tile.accumulate = accumulate || from > 0;
      tile.whole = rows == strip;
      std::fill_n(tile.live, tile_columns, rows);
      tile.depth = to - from;
      for (Index j = 0; j < c.cols; j += tile_columns) {
        const Index columns = std::min(tile_columns, c.cols - j);
        Index begin = from;
        if (mask.where != Masked::nowhere) {
          begin = std::max(from, mask.depth_begin(j));
          const Index end = std::min(to, mask.depth_end(j + columns - 1, depth));
          if (mask.result_end(j + columns - 1, c.rows) <= first || (begin >= end && tile.accumulate)) continue;
          tile.depth = std::max<Index>(end - begin, 0);
          tile.a = strip_data + (begin - from) * tile.a_step;
          // The first column of a masked result is the shortest.
          tile.whole = mask.result_end(j, c.rows) - first >= strip;
          for (Index q = 0; q < columns; ++q) tile.live[q] = std::clamp<Index>(mask.result_end(j + q, c.rows) - first, 0, rows);
        }
        tile.b = b + begin * b_depth + j * b_column;
        tile.c = c.data + first + j * c.stride;
        multiply_tile(packets, columns, tile);
      }
      first += rows;
    }
  }
  if (depth == 0 && !accumulate) {
    for (Index j = 0; j < c.cols; ++j) std::fill_n(c.data + j * c.stride, c.rows, T(0));
  }
}

}  // namespace

template <class T>
void multiply(Block<const T> a, Block<const T> b, Block<T> c, bool accumulate, const int* prefix) {
  product<T>({a.data, a.stride, false}, b.data, 1, b.stride, a.cols, c, accumulate,
             {prefix ? Masked::depth_end : Masked::nowhere, prefix, b.cols});
}

template <class T>
void multiply_transposed_right(Block<const T> a, Block<const T> b, Block<T> c, const int* prefix) {
  product<T>({a.data, a.stride, false}, b.data, b.stride, 1, a.cols, c, true,
             {prefix ? Masked::depth_begin : Masked::nowhere, prefix, b.cols});
}

template <class T>
void multiply_transposed_left(Block<const T> a, Block<const T> b, Block<T> c, bool accumulate, const int* prefix) {
  product<T>({a.data, a.stride, true}, b.data, 1, b.stride, a.rows, c, accumulate,
             {prefix ? Masked::result : Masked::nowhere, prefix, b.cols});
}

#define FLOWFIT_INSTANTIATE(T)                                                                      \
  template void multiply<T>(Block<const T>, Block<const T>, Block<T>, bool, const int*);            \
  template void multiply_transposed_right<T>(Block<const T>, Block<const T>, Block<T>, const int*); \
  template void multiply_transposed_left<T>(Block<const T>, Block<const T>, Block<T>, bool, const int*);
FLOWFIT_INSTANTIATE(float)
FLOWFIT_INSTANTIATE(double)

}  // namespace flowfit::autodiff
