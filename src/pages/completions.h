// Completions for shells, made of a program's table of options.
#pragma once

#include <string>

#include "cli/option.h"

namespace tcpeek {

// To be loaded by the bash-completion package, as a file of the program's name.
std::string bash_completion(const Program& program);

// An autoloaded function, as a file of the program's name with '_' before it.
std::string zsh_completion(const Program& program);

// As a file of the program's name with ".fish" after it.
std::string fish_completion(const Program& program);

}  // namespace tcpeek
