/* Four lanes of AVX2. */
#include <stdlib.h>
#include <string.h>

#include "backend.h"
#include "scalar.h"

#include "lanes_avx2.h"
#include "field_avx2.h"
#include "field.h"
#include "curve.h"
#include "digits.h"
#include "msm.h"
#include "sha512.h"
#include "steps.h"

const backend sluis_avx2 = STEPS("avx2");
