// The program's entry: everything is in command_line.cpp.
#include "command_line.h"

int main(int argc, char** argv) { return flowfit::app::run({argv + 1, argv + argc}); }
