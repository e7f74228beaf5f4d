/* Eight lanes of AVX-512 IFMA. */
#include <stdlib.h>
#include <string.h>

#include "backend.h"
#include "scalar.h"

#include "lanes_ifma.h"
#include "field_ifma.h"
#include "field.h"
#include "curve.h"
#include "digits.h"
#include "msm.h"
#include "sha512.h"
#include "steps.h"

const backend sluis_ifma = STEPS("ifma");
