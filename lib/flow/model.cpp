// From a model file to a model.
#include "flow/model.h"

#include <filesystem>
#include <nlohmann/json.hpp>
#include <numeric>

#include "core/error.h"
#include "core/file.h"
#include "core/text.h"
#include "flow/cells.h"
#include "flow/expand.h"
#include "flow/typed_model.h"

namespace flowfit::flow {
namespace {

using config::Json;

const std::string& metadata(const Archive& archive, const std::string& key, const std::string& where) {
  const auto found = archive.metadata.find(key);
  if (found == archive.metadata.end())
    throw core::ModelError(where + ": no " + core::quoted(key) + " in its metadata; flowfit did not write it");
  return found->second;
}

Json parse(const Archive& archive, const std::string& key, const std::string& where) {
  const std::string& text = metadata(archive, key, where);
  try {
    return config::parse_json(text, key);
  } catch (const core::ConfigError& error) {
    throw core::ModelError(where + ": metadata " + error.what());
  }
}

// A script may leave the schema out when nothing is preprocessed.
data::Schema schema_of(const Archive& archive, const Settings& settings, const std::string& where) {
  if (archive.metadata.contains("schema")) return data::Schema::from_json(parse(archive, "schema", where), where);
  for (const auto* specs : {&settings.column_specs, &settings.context_specs})
    for (const data::ColumnSpec& spec : *specs)
      if (spec.kind != data::Kind::continuous || spec.preprocess != data::Preprocess::none)
        throw core::ModelError(where + R"(: no "schema" in its metadata, but its config wants column )" +
                               core::quoted(spec.name) + " preprocessed");
  data::Schema schema;
  for (const std::string& name : settings.columns) schema.columns.push_back({name});
  for (const std::string& name : settings.context) schema.context.push_back({name});
  return schema;
}

// What the config does not say of its columns: their categories.
void take_kinds(const std::vector<data::Column>& columns, std::vector<data::ColumnSpec>& specs, const std::string& where) {
  for (std::size_t i = 0; i < columns.size(); ++i) {
    if (columns[i].kind != specs[i].kind)
      throw core::ModelError(where + ": its schema and its config give column " + core::quoted(columns[i].name) +
                             " different kinds");
    specs[i].categories = columns[i].categories;
  }
}

template <class T>
std::unique_ptr<Model> typed(const Archive& archive, const config::Document& document, const Settings& settings,
                             data::Schema schema, const std::string& where) {
  auto model = std::make_unique<TypedModel<T>>(document, settings, std::move(schema), archive, where);
  model->set_config(config::print_json(document.resolved()));
  if (archive.metadata.contains("record")) model->set_record(config::print_json(parse(archive, "record", where)));
  return model;
}

}  // namespace

void Model::log_prob(const Baseline& baseline, const data::Columns& columns, const data::Columns& context, std::span<double> out,
                     core::ThreadPool& pool) const {
  data::Columns c = context;
  schema_.encode_context(c);
  c = numbers_of(schema_.context, std::move(c));
  score_rows(schema_, integer_points_, columns, out, [&](const data::Columns& x, std::span<double> scores) {
    baseline.log_prob(numbers_of(schema_.columns, x), c, scores, pool);
  });
  reference_.add_shares(schema_.columns, columns, out);
}

data::Columns Model::sample(std::uint64_t seed, std::uint64_t first, std::size_t n, const data::Columns& context,
                            core::ThreadPool& pool) const {
  std::vector<std::uint64_t> places(n);
  std::iota(places.begin(), places.end(), first);
  return sample(seed, places, context, pool);
}

std::string model_path(const std::string& run_or_file) {
  namespace fs = std::filesystem;
  std::error_code error;
  if (!fs::is_directory(run_or_file, error)) return run_or_file;
  std::string path = (fs::path(run_or_file) / "model.safetensors").string();
  if (!fs::exists(path, error))
    throw core::IoError(run_or_file + ": no model.safetensors in this folder; is it a run folder whose training has begun?");
  return path;
}

std::unique_ptr<Model> load_model(const std::string& run_or_file, bool in_double) {
  const std::string path = model_path(run_or_file);
  return make_model(read_archive(core::read_file(path), path), path, in_double);
}

std::unique_ptr<Model> make_model(const Archive& archive, const std::string& where, bool in_double) {
  const std::string& version = metadata(archive, "format_version", where);
  if (version != format_version)
    throw core::ModelError(where + ": format version " + core::quoted(version) + ", this flowfit reads " + format_version +
                           "; use a newer flowfit, or train again");
  try {
    const config::Document document = expand(parse(archive, "config", where));
    Settings settings = Settings::read(document.root(), std::nullopt);
    data::Schema schema = schema_of(archive, settings, where);
    if (schema.names() != settings.columns || schema.context_names() != settings.context)
      throw core::ModelError(where + ": its schema and its config name different columns");
    take_kinds(schema.columns, settings.column_specs, where);
    take_kinds(schema.context, settings.context_specs, where);
    return settings.float64 || in_double ? typed<double>(archive, document, settings, std::move(schema), where)
                                         : typed<float>(archive, document, settings, std::move(schema), where);
  } catch (const core::ConfigError& error) {
    throw core::ModelError(where + ": its config is not one that this flowfit reads:\n" + error.what());
  }
}

}  // namespace flowfit::flow
