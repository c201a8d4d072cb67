// What the command line says about live capture, in the words of the capture layer.
#pragma once

#include "capture/live_capture.h"
#include "cli/config.h"

namespace tcpeek {

LiveOptions live_options(const Config& config);

}  // namespace tcpeek
