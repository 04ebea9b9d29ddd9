// A model of one dtype: what trains, and what stands behind flow::Model.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "core/parallel.h"
#include "flow/ensemble.h"
#include "flow/model.h"
#include "flow/settings.h"
#include "nn/spare_tapes.h"

namespace flowfit::flow {

template <class T>
class TypedModel final : public Model {
 public:
  /// Builds the layers from a document that has been expanded; parameters start at their initial values. Config errors are recorded in the document.
  TypedModel(const config::Document& document, const Settings& settings, data::Schema schema);
  /// The same with the weights of an archive, which is compared with the config before any memory is asked for them. Throws the document's errors too.
  TypedModel(const config::Document& document, const Settings& settings, data::Schema schema, const Archive& archive,
             const std::string& where);

  const Ensemble<T>& density() const { return density_; }
  const nn::ParameterLayout& layout() const { return layout_; }
  std::vector<T>& weights() { return weights_; }
  const std::vector<T>& weights() const { return weights_; }
  void set_config(std::string resolved) { config_ = std::move(resolved); }
  void set_schema(data::Schema schema) { schema_ = std::move(schema); }
  void set_reference(Reference reference) { reference_ = std::move(reference); }
  void set_record(std::string record) { record_ = std::move(record); }

  /// Metadata and one tensor a parameter.
  Archive archive() const;
  using Model::log_prob;
  /// Takes the weights and the reference from an archive. Refuses missing, unknown (but `train.…`) and misshapen tensors, and weights beyond a mask.
  void load(const Archive& archive, const std::string& where);

  std::vector<ParameterInfo> parameters() const override;
  bool float64() const override { return sizeof(T) == 8; }
  Traits traits() const override;
  bool takes_missing() const override { return density_.takes_missing(); }
  std::optional<std::pair<int, int>> inexact(const std::vector<bool>& missing) const override {
    return density_.inexact(missing);
  }
  void log_prob(const data::Columns& columns, const data::Columns& context, std::span<double> out,
                core::ThreadPool& pool) const override;
  data::Columns log_prob_by_column(const data::Columns& columns, const data::Columns& context, std::size_t n,
                                   core::ThreadPool& pool) const override;
  using Model::sample;
  data::Columns sample(std::uint64_t seed, std::span<const std::uint64_t> places, const data::Columns& context,
                       core::ThreadPool& pool) const override;
  data::Columns encode(const data::Columns& columns, const data::Columns& context, std::span<double> log_det,
                       core::ThreadPool& pool) const override;
  data::Columns decode(const data::Columns& columns, const data::Columns& context, std::span<double> log_det,
                       core::ThreadPool& pool) const override;
  Gradient gradient(const data::Columns& columns, const data::Columns& context) const override;
  void log_prob_moved(std::span<const double> move, const data::Columns& columns, const data::Columns& context,
                      std::span<double> out, core::ThreadPool& pool) const override;

 private:
  // Of the data's columns, where the way to the flow's keeps them apart.
  Conditionals conditionals() const;
  using Body = std::function<void(Pass<T>&, Var<T> x, Var<T> context, std::size_t first, Index rows)>;
  void score(const T* weights, const data::Columns& columns, const data::Columns& context, std::span<double> out,
             core::ThreadPool& pool) const;
  // Runs `body` on blocks of n rows; x is empty when `columns` is. `row_ids`: what each row's draws depend on; its number, when there are none.
  void by_blocks(const T* weights, const data::Columns& columns, const data::Columns& context, std::size_t n,
                 core::ThreadPool& pool, std::span<const std::uint64_t> row_ids, const Body& body) const;

  nn::ParameterLayout layout_;
  Ensemble<T> density_;
  std::vector<T> weights_;
  mutable nn::SpareTapes<T> spare_tapes_;
};

/// Fills a B x D block from rows [first, first + rows) of n-row columns, cast to T, padded with copies of its first row.
template <class T>
Var<T> load_block(nn::Tape<T>& tape, const data::Columns& columns, std::size_t first, Index rows, Index padded,
                  bool wants_grad = false);

}  // namespace flowfit::flow
