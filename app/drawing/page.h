// Pieces of an HTML page that stands alone: escaped text, tables, and pictures inside it.
#pragma once

#include <string>
#include <vector>

#include "drawing/sketch.h"

namespace flowfit::drawing {

/// The text as HTML shows it, in an element or an attribute.
std::string escaped(const std::string& text);

/// A table with a row of heads; the first cell of each row is its head. Cells are plain text.
std::string html_table(const std::string& caption, const std::vector<std::string>& heads,
                       const std::vector<std::vector<std::string>>& rows);

/// A figure drawn for Paper::inline_svg: gnuplot's SVG made part of a page, with names of its own, and colours that follow the page's.
std::string html_figure(const Figure& figure);

/// The whole page. `body` is HTML.
std::string html_page(const std::string& title, const std::string& body);

}  // namespace flowfit::drawing
