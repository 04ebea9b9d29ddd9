// Pieces of an HTML page that stands alone.
#include "drawing/page.h"

#include <algorithm>

namespace flowfit::drawing {
namespace {

/// Nothing is loaded from anywhere: the policy says so to the browser as well.
constexpr const char* head = R"html(<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'; img-src data:">
<style>
:root { --ink: #1c2128; --soft: #57606a; --line: #d5dae0; --paper: #ffffff; --card: #f6f8fa; color-scheme: light dark; }
@media (prefers-color-scheme: dark) { :root { --ink: #e3e7ec; --soft: #9aa4af; --line: #353c46; --paper: #14171c; --card: #1b2027; } }
* { box-sizing: border-box; }
body { margin: 0 auto; padding: 2rem 1.25rem 3rem; max-width: 66rem; font: 16px/1.5 system-ui, sans-serif; color: var(--ink); background: var(--paper); }
h1 { font-size: 1.7rem; margin: 0 0 .25rem; overflow-wrap: anywhere; }
h2 { font-size: 1.2rem; margin: 2.5rem 0 .75rem; padding-top: .75rem; border-top: 1px solid var(--line); }
p { margin: .5rem 0; max-width: 50rem; }
.soft, figcaption, caption { color: var(--soft); font-size: .875rem; }
figure { margin: 1rem 0; }
figcaption { max-width: 50rem; overflow-wrap: anywhere; }
.picture { overflow-x: auto; }
svg { display: block; width: 100%; min-width: 36rem; height: auto; color: var(--ink); }
svg [color="black"] { color: var(--ink); }
svg [stroke="black"], svg [stroke="rgb(  0,   0,   0)"] { stroke: var(--ink); }
svg [fill="black"], svg [fill="rgb(0,0,0)"] { fill: var(--ink); }
.table { overflow-x: auto; margin: 1rem 0; }
table { border-collapse: collapse; min-width: 24rem; font-variant-numeric: tabular-nums; }
caption { text-align: left; padding-bottom: .35rem; }
th, td { padding: .3rem .9rem .3rem 0; text-align: right; border-bottom: 1px solid var(--line); white-space: nowrap; }
thead th { color: var(--soft); font-weight: 600; font-size: .875rem; vertical-align: bottom; }
th:first-child { text-align: left; font-weight: 500; }
pre { background: var(--card); border: 1px solid var(--line); border-radius: 6px; padding: .75rem 1rem; overflow-x: auto; font: 13px/1.45 ui-monospace, monospace; }
footer { margin-top: 3rem; padding-top: .75rem; border-top: 1px solid var(--line); }
@media print {
  :root { --ink: #000; --soft: #444; --line: #bbb; --paper: #fff; --card: #fff; color-scheme: light; }
  body { max-width: none; padding: 0; font-size: 11pt; }
  figure, table { break-inside: avoid; }
  h2 { break-after: avoid; }
  .picture, .table, pre { overflow: visible; }
  svg { min-width: 0; }
  pre { white-space: pre-wrap; }
}
</style>
)html";

void replace_all(std::string& text, const std::string& from, const std::string& to) {
  for (std::size_t at = text.find(from); at != std::string::npos; at = text.find(from, at + to.size()))
    text.replace(at, from.size(), to);
}

/// Every plot of gnuplot's is a group with an id and a title of its own: names that clash on a page, and words that pop up under the mouse.
void drop_names(std::string& svg) {
  const std::string start = "<g id=\"", end = "</title>";
  for (std::size_t at = svg.find(start); at != std::string::npos; at = svg.find(start, at + 1)) {
    const std::size_t last = svg.find(end, at);
    if (last == std::string::npos) break;
    svg.replace(at, last + end.size() - at, "<g>");
  }
}

/// Points in few bytes: gnuplot repeats size, colour and opacity at each; here they stand in one definition for all that share them. Returns the definitions.
std::string share_points(std::string& svg, const std::string& name) {
  const std::string start = "<use xlink:href='#gpPt6' transform='translate(", end = "/>";
  std::vector<std::string> styles;
  std::string text;
  std::size_t done = 0;
  for (std::size_t at = svg.find(start); at != std::string::npos; at = svg.find(start, done)) {
    const std::size_t x = at + start.size(), comma = svg.find(',', x), close = svg.find(')', comma), last = svg.find(end, close);
    if (last == std::string::npos) break;
    const std::string style = svg.substr(close + 1, last - close - 1);
    auto found = std::ranges::find(styles, style);
    if (found == styles.end()) found = styles.insert(styles.end(), style);
    text.append(svg, done, at - done);
    text += "<use href='#" + name + std::to_string(found - styles.begin()) + "' x='" + svg.substr(x, comma - x) + "' y='" +
            svg.substr(comma + 1, close - comma - 1) + "'/>";
    done = last + end.size();
  }
  svg = text + svg.substr(done);
  std::string definitions;
  for (std::size_t i = 0; i < styles.size(); ++i)
    definitions += "<circle id='" + name + std::to_string(i) + "' r='1' fill='currentColor' transform='" + styles[i] + "/>";
  return definitions;
}

}  // namespace

std::string escaped(const std::string& text) {
  std::string out;
  for (const char c : text) {
    switch (c) {
      case '&':
        out += "&amp;";
        break;
      case '<':
        out += "&lt;";
        break;
      case '>':
        out += "&gt;";
        break;
      case '"':
        out += "&quot;";
        break;
      case '\'':
        out += "&#39;";
        break;
      default:
        out += c;
    }
  }
  return out;
}

std::string html_table(const std::string& caption, const std::vector<std::string>& heads,
                       const std::vector<std::vector<std::string>>& rows) {
  std::string html = "<div class=\"table\"><table>\n";
  if (!caption.empty()) html += "<caption>" + escaped(caption) + "</caption>\n";
  if (!heads.empty()) {
    html += "<thead><tr>";
    for (const std::string& word : heads) html += "<th scope=\"col\">" + escaped(word) + "</th>";
    html += "</tr></thead>\n";
  }
  html += "<tbody>\n";
  for (const std::vector<std::string>& row : rows) {
    html += "<tr><th scope=\"row\">" + escaped(row.front()) + "</th>";
    for (std::size_t i = 1; i < row.size(); ++i) html += "<td>" + escaped(row[i]) + "</td>";
    html += "</tr>\n";
  }
  return html + "</tbody>\n</table></div>\n";
}

std::string html_figure(const Figure& figure) {
  std::string svg = render(figure);
  const std::string definitions_end = "</defs>";
  svg.erase(0, svg.find(definitions_end) +
                   definitions_end.size());  // gnuplot's own head, in which the group that the body ends is opened
  drop_names(svg);
  const std::string definitions = share_points(svg, figure.name + "-");
  replace_all(svg, "xlink:href=", "href=");
  const std::string id = figure.name + "-title";
  return "<figure id=\"" + figure.name + "\">\n<div class=\"picture\" tabindex=\"0\"><svg viewBox=\"0 0 " +
         std::to_string(figure.width) + " " + std::to_string(figure.height) + "\" role=\"img\" aria-labelledby=\"" + id +
         "\"><title id=\"" + id + "\">" + escaped(figure.title + ". " + figure.caption) + "</title><defs>" + definitions +
         "</defs><g>" + svg + "</div>\n<figcaption>" + escaped(figure.caption) + "</figcaption>\n</figure>\n";
}

std::string html_page(const std::string& title, const std::string& body) {
  return "<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<title>" + escaped(title) + "</title>\n" + head + "</head>\n<body>\n" +
         body + "</body>\n</html>\n";
}

}  // namespace flowfit::drawing
