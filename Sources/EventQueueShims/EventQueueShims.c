#include "EventQueueShims.h"
