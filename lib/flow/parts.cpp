// Rewrites a model file's config and schema: networks see categories of the context and modelled ones alike, in this order, so the weights stay as they are.
#include "flow/parts.h"

#include <algorithm>
#include <nlohmann/json.hpp>
#include <string_view>

#include "core/file.h"
#include "flow/archive.h"
#include "flow/reference.h"

namespace flowfit::flow {
namespace {

using config::Json;

// `categorical.logits`, or `members.3.categorical.logits`.
bool of_categories(const Tensor& tensor) {
  std::string_view name = tensor.name;
  constexpr std::string_view member = "members.";
  if (name.starts_with(member)) name.remove_prefix(name.find('.', member.size()) + 1);
  return name.starts_with("categorical.");
}

bool categorical(const data::Column& column) { return column.kind == data::Kind::categorical; }

// What `data` of a config says of columns; the rest of it is of rows that train: missing cells, points of a cell, validation.
struct Entries {
  Json columns = Json::array(), context = Json::array();
};

// `whole` with another schema, other columns in its config, and the tensors of one part.
Archive part(const Archive& whole, Json config, const Entries& entries, const data::Schema& schema, bool categories) {
  config["data"] = {{"columns", entries.columns}, {"context", entries.context}};
  Archive archive{whole.metadata, {}};
  archive.metadata["config"] = config::print_json(config);
  archive.metadata["schema"] = config::print_json(schema.to_json());
  for (const Tensor& tensor : whole.tensors)
    if (of_categories(tensor) == categories && !Reference::owns(tensor.name)) archive.tensors.push_back(tensor);
  return archive;
}

Archive categories_part(const Archive& whole, Json config, const data::Schema& schema) {
  Entries entries{Json::array(), config["data"]["context"]};
  data::Schema own{{}, schema.context, {}};
  for (std::size_t d = 0; d < schema.columns.size(); ++d) {
    if (!categorical(schema.columns[d])) continue;
    own.columns.push_back(schema.columns[d]);
    entries.columns.push_back(config["data"]["columns"][d]);
  }
  for (const char* key : {"flow", "base", "factors"}) config.erase(key);
  return part(whole, std::move(config), entries, own, true);
}

Archive numbers_part(const Archive& whole, Json config, const data::Schema& schema) {
  Entries entries{Json::array(), config["data"]["context"]};
  data::Schema own{{}, schema.context, schema.whitening};
  std::vector<std::size_t> places;  // of each column among the numbers
  for (std::size_t d = 0; d < schema.columns.size(); ++d) {
    data::Column column = schema.columns[d];
    Json entry = config["data"]["columns"][d];
    places.push_back(own.columns.size());
    if (categorical(column)) {
      own.context.push_back(std::move(column));
      entries.context.push_back(std::move(entry));
      continue;
    }
    if (column.kind == data::Kind::integer || column.kind == data::Kind::periodic) {
      if (column.kind == data::Kind::periodic) column.loc += column.low + column.cut;  // one turn, from where it is cut open
      column.kind = data::Kind::continuous;
      entry = column.name;
    }
    own.columns.push_back(std::move(column));
    entries.columns.push_back(std::move(entry));
  }
  for (std::size_t& place : own.whitening.columns) place = places[place];
  config.erase("categorical");
  return part(whole, std::move(config), entries, own, false);
}

}  // namespace

Parts load_parts(const std::string& run_or_file, bool in_double) {
  const std::string path = model_path(run_or_file);
  return make_parts(read_archive(core::read_file(path), path), path, in_double);
}

Parts make_parts(const Archive& archive, const std::string& where, bool in_double) {
  const std::unique_ptr<Model> whole = make_model(archive, where, in_double);
  const data::Schema& schema = whole->schema();
  const Json config = config::parse_json(whole->config(), where);
  Parts parts;
  if (schema.has(data::Kind::categorical))
    parts.categories = make_model(categories_part(archive, config, schema), where, in_double);
  if (!std::ranges::all_of(schema.columns, categorical))
    parts.numbers = make_model(numbers_part(archive, config, schema), where, in_double);
  return parts;
}

}  // namespace flowfit::flow
