/* Plain 64-bit code. */
#include <stdlib.h>
#include <string.h>

#include "backend.h"
#include "scalar.h"

#include "lanes_portable.h"
#include "field_portable.h"
#include "field.h"
#include "curve.h"
#include "digits.h"
#include "msm.h"
#include "sha512.h"
#include "steps.h"

const backend sluis_portable = STEPS("portable");
