// Composing links, and putting columns into an order.
#include "transforms/links.h"

#include "transforms/order.h"

namespace flowfit::transforms {
namespace {

std::size_t at(int column) { return static_cast<std::size_t>(column); }

}  // namespace

Links Links::each(int columns) {
  std::vector<int> order(at(columns));
  std::iota(order.begin(), order.end(), 0);
  return reordered(std::move(order));
}

Links Links::all(int columns) {
  Links links = each(columns);
  for (int i = 0; i < columns; ++i)
    for (int j = 0; j < columns; ++j) links.looks[at(i)][at(j)] = i != j;
  return links;
}

Links Links::reordered(std::vector<int> order) {
  const std::size_t n = order.size();
  return {std::move(order), std::vector(n, std::vector<bool>(n, false))};
}

Links Links::after(const Links& first) const {
  const int n = columns();
  Links both = each(n);
  for (int i = 0; i < n; ++i) {
    both.own[at(i)] = first.own[at(own[at(i)])];
    for (int k = 0; k < n; ++k) {
      if (!looks[at(i)][at(k)] && own[at(i)] != k) continue;
      for (int j = 0; j < n; ++j) {
        // What a column looks at, or is made of where it is looked at.
        if (first.looks[at(k)][at(j)] || (looks[at(i)][at(k)] && first.own[at(k)] == j)) both.looks[at(i)][at(j)] = true;
      }
    }
  }
  return both;
}

Links Links::turned() const {
  const int n = columns();
  const std::optional<std::vector<int>> sorted = order();
  if (!sorted) return all(n);
  const std::vector<int> output = inverse_order(own);
  Links back = reordered(output);
  // Input column c is found from its own output, given the inputs that it looks at: from their outputs, in turn.
  for (const int c : *sorted) {
    for (int j = 0; j < n; ++j) {
      if (!looks[at(output[at(c)])][at(j)]) continue;
      back.looks[at(c)][at(output[at(j)])] = true;
      for (int k = 0; k < n; ++k) back.looks[at(c)][at(k)] = back.looks[at(c)][at(k)] || back.looks[at(j)][at(k)];
    }
  }
  return back;
}

std::optional<std::vector<int>> Links::order() const {
  const int n = columns();
  const std::vector<int> output = inverse_order(own);
  std::vector<int> sorted;
  std::vector<bool> placed(at(n), false);
  for (bool moved = true; moved && static_cast<int>(sorted.size()) < n;) {
    moved = false;
    for (int c = 0; c < n; ++c) {
      if (placed[at(c)]) continue;
      bool ready = true;
      for (int j = 0; j < n; ++j) ready = ready && (!looks[at(output[at(c)])][at(j)] || placed[at(j)]);
      if (!ready) continue;
      placed[at(c)] = moved = true;
      sorted.push_back(c);
    }
  }
  if (static_cast<int>(sorted.size()) < n) return std::nullopt;
  return sorted;
}

}  // namespace flowfit::transforms
