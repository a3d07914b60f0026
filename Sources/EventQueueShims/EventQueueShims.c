// The functions are in the header; the package manager wants a source file.
#include "EventQueueShims.h"
