/* The Python module sluis_protocol._native: backend.h's steps on bytes, with the interpreter lock let go.
 *
 * Each function takes the name of a backend first. Elements that are none are reported by index: functions that
 * decode return (result, index), with -1 for "all are good"; the result is worthless otherwise. Lengths are checked
 * here once more, so that no mistake of a caller can reach beyond a buffer.
 */
#define PY_SSIZE_T_CLEAN
#define Py_LIMITED_API 0x030b0000
#include <Python.h>

#include <stdlib.h>
#include <string.h>

#include "backend.h"
#include "scalar.h"

static const backend *const ALL[] = {
#ifdef SLUIS_IFMA
    &sluis_ifma,
#endif
#ifdef SLUIS_AVX2
    &sluis_avx2,
#endif
#ifdef SLUIS_PORTABLE
    &sluis_portable,
#endif
};
#define COUNT (sizeof ALL / sizeof *ALL)

static int runs_here(const backend *b) {
#if defined(__x86_64__)
    __builtin_cpu_init();
    if (strcmp(b->name, "ifma") == 0)
        return __builtin_cpu_supports("avx512ifma") && __builtin_cpu_supports("avx512vl") &&
               __builtin_cpu_supports("avx512dq") && __builtin_cpu_supports("avx512bw");
    if (strcmp(b->name, "avx2") == 0) return __builtin_cpu_supports("avx2");
#endif
    return strcmp(b->name, "portable") == 0;
}
static const backend *find(const char *name) {
    for (size_t i = 0; i < COUNT; i++)
        if (strcmp(ALL[i]->name, name) == 0 && runs_here(ALL[i])) return ALL[i];
    PyErr_Format(PyExc_ValueError, "no backend %s here", name);
    return NULL;
}
static PyObject *wrong(const char *what) {
    PyErr_SetString(PyExc_ValueError, what);
    return NULL;
}
static PyObject *failed(PyObject *result, int code) {
    Py_XDECREF(result);
    if (code == NO_KEY) return wrong("the public key is no element");
    return PyErr_NoMemory();
}
static PyObject *room(Py_ssize_t size) { return PyBytes_FromStringAndSize(NULL, size); }
static uint8_t *inside(PyObject *bytes_object) { return (uint8_t *)PyBytes_AsString(bytes_object); }
#define UNLOCKED(code, call)                         \
    do {                                             \
        Py_BEGIN_ALLOW_THREADS code = (call);        \
        Py_END_ALLOW_THREADS                         \
    } while (0)
#define P(x) ((const uint8_t *)(x))

/* A tuple of bytes from index `start` to `stop`. The tuple, which the caller's arguments hold, keeps them alive. */
static bytes *borrow(PyObject *tuple, Py_ssize_t start, Py_ssize_t stop) {
    if (!PyTuple_Check(tuple) || start < 0 || start > stop || stop > PyTuple_Size(tuple)) {
        wrong("not a tuple that long");
        return NULL;
    }
    bytes *r = calloc((size_t)(stop - start) + 1, sizeof *r);
    if (!r) {
        PyErr_NoMemory();
        return NULL;
    }
    for (Py_ssize_t i = start; i < stop; i++) {
        char *at;
        Py_ssize_t length;
        if (PyBytes_AsStringAndSize(PyTuple_GetItem(tuple, i), &at, &length) < 0) {
            free(r);
            return NULL;
        }
        r[i - start] = (bytes){P(at), (size_t)length};
    }
    return r;
}

static PyObject *names(PyObject *self, PyObject *unused) {
    (void)self, (void)unused;
    PyObject *list = PyList_New(0);
    for (size_t i = 0; list && i < COUNT; i++) {
        if (!runs_here(ALL[i])) continue;
        PyObject *name = PyUnicode_FromString(ALL[i]->name);
        if (!name || PyList_Append(list, name) < 0) Py_CLEAR(list);
        Py_XDECREF(name);
    }
    return list;
}
static PyObject *from_uniform(PyObject *self, PyObject *args) {
    (void)self;
    const char *name, *wide;
    Py_ssize_t size;
    if (!PyArg_ParseTuple(args, "sy#", &name, &wide, &size)) return NULL;
    const backend *b = find(name);
    if (!b) return NULL;
    if (size % 64) return wrong("not 64 bytes each");
    PyObject *r = room(size / 2);
    int code;
    if (!r) return NULL;
    UNLOCKED(code, b->from_uniform(inside(r), P(wide), (size_t)size / 64));
    return code ? failed(r, code) : r;
}
/* (backend, domain, inputs, start, stop, blinds of all inputs, or nothing) */
static PyObject *hash_to_group(PyObject *self, PyObject *args) {
    (void)self;
    const char *name, *domain, *blinds;
    Py_ssize_t domain_size, start, stop, blinds_size;
    PyObject *tuple;
    if (!PyArg_ParseTuple(args, "sy#Onny#", &name, &domain, &domain_size, &tuple, &start, &stop, &blinds, &blinds_size))
        return NULL;
    const backend *b = find(name);
    if (!b) return NULL;
    if (domain_size > 255) return wrong("a domain of more than 255 bytes");
    bytes *inputs = borrow(tuple, start, stop);
    if (!inputs) return NULL;
    if (blinds_size && blinds_size / 32 != PyTuple_Size(tuple)) {
        free(inputs);
        return wrong("not one blind for each input");
    }
    PyObject *r = room((stop - start) * 32);
    int code = NO_MEMORY;
    if (r)
        UNLOCKED(code, b->hash_to_group(inside(r), (bytes){P(domain), (size_t)domain_size}, inputs,
                                        blinds_size ? P(blinds) + 32 * start : NULL, (size_t)(stop - start)));
    free(inputs);
    return code ? failed(r, code) : r;
}
static PyObject *result_and_bad(PyObject *r, int code, long bad) {
    return code ? failed(r, code) : Py_BuildValue("Nl", r, bad);
}
static PyObject *multiply(PyObject *self, PyObject *args) {
    (void)self;
    const char *name, *scalars, *elements;
    Py_ssize_t scalars_size, size;
    if (!PyArg_ParseTuple(args, "sy#y#", &name, &scalars, &scalars_size, &elements, &size)) return NULL;
    const backend *b = find(name);
    if (!b) return NULL;
    if (size % 32 || (scalars_size != 32 && scalars_size != size)) return wrong("not a scalar for each element");
    PyObject *r = room(size);
    int code;
    long bad;
    if (!r) return NULL;
    UNLOCKED(code, b->multiply(&bad, inside(r), P(scalars), scalars_size == size ? 32 : 0, P(elements), (size_t)size / 32));
    return result_and_bad(r, code, bad);
}
static PyObject *add(PyObject *self, PyObject *args) {
    (void)self;
    const char *name, *left, *right;
    Py_ssize_t left_size, size;
    if (!PyArg_ParseTuple(args, "sy#y#", &name, &left, &left_size, &right, &size)) return NULL;
    const backend *b = find(name);
    if (!b) return NULL;
    if (size % 32 || left_size != size) return wrong("two batches of different lengths");
    PyObject *r = room(size);
    int code;
    long bad;
    if (!r) return NULL;
    UNLOCKED(code, b->add(&bad, inside(r), P(left), P(right), (size_t)size / 32));
    return result_and_bad(r, code, bad);
}
static PyObject *check(PyObject *self, PyObject *args) {
    (void)self;
    const char *name, *elements;
    Py_ssize_t size;
    if (!PyArg_ParseTuple(args, "sy#", &name, &elements, &size)) return NULL;
    const backend *b = find(name);
    if (!b) return NULL;
    if (size % 32) return wrong("not 32 bytes each");
    int code;
    long bad;
    UNLOCKED(code, b->check(&bad, P(elements), (size_t)size / 32));
    return code ? failed(NULL, code) : PyLong_FromLong(bad);
}
static PyObject *public_sum(PyObject *self, PyObject *args) {
    (void)self;
    const char *name, *scalars, *elements;
    Py_ssize_t scalars_size, size;
    if (!PyArg_ParseTuple(args, "sy#y#", &name, &scalars, &scalars_size, &elements, &size)) return NULL;
    const backend *b = find(name);
    if (!b) return NULL;
    if (size % 32 || scalars_size != size) return wrong("not a scalar for each element");
    PyObject *r = room(32);
    int code;
    long bad;
    if (!r) return NULL;
    UNLOCKED(code, b->public_sum(&bad, inside(r), P(scalars), P(elements), (size_t)size / 32));
    return result_and_bad(r, code, bad);
}
static int is_weighing(Py_ssize_t domain, Py_ssize_t seed, Py_ssize_t first, Py_ssize_t count) {
    if (domain <= 255 && seed <= 65535 && first >= 0 && count <= 65536 && first <= 65536 - count) return 1;
    wrong("not a batch of RFC 9497's size");
    return 0;
}
/* (backend, domain, seed, index of the first, blinded, evaluated) */
static PyObject *weigh(PyObject *self, PyObject *args) {
    (void)self;
    const char *name, *domain, *seed, *blinded, *evaluated;
    Py_ssize_t domain_size, seed_size, first, blinded_size, size;
    if (!PyArg_ParseTuple(args, "sy#y#ny#y#", &name, &domain, &domain_size, &seed, &seed_size, &first, &blinded,
                          &blinded_size, &evaluated, &size))
        return NULL;
    const backend *b = find(name);
    if (!b || !is_weighing(domain_size, seed_size, first, size / 32)) return NULL;
    if (size % 32 || blinded_size != size) return wrong("two batches of different lengths");
    weighing how = {{P(domain), (size_t)domain_size}, {P(seed), (size_t)seed_size}, (size_t)first};
    PyObject *r = room(size);
    int code;
    if (!r) return NULL;
    UNLOCKED(code, b->weigh(inside(r), &how, P(blinded), P(evaluated), (size_t)size / 32));
    return code ? failed(r, code) : r;
}
/* (backend, secret, domain, seed, index of the first, elements) -> (evaluated, m, bad) */
static PyObject *evaluate(PyObject *self, PyObject *args) {
    (void)self;
    const char *name, *secret, *domain, *seed, *elements;
    Py_ssize_t secret_size, domain_size, seed_size, first, size;
    if (!PyArg_ParseTuple(args, "sy#y#y#ny#", &name, &secret, &secret_size, &domain, &domain_size, &seed, &seed_size,
                          &first, &elements, &size))
        return NULL;
    const backend *b = find(name);
    if (!b || !is_weighing(domain_size, seed_size, first, size / 32)) return NULL;
    if (size % 32 || secret_size != 32) return wrong("not one scalar, and 32 bytes each");
    weighing how = {{P(domain), (size_t)domain_size}, {P(seed), (size_t)seed_size}, (size_t)first};
    uint8_t m[32];
    PyObject *r = room(size);
    int code;
    long bad;
    if (!r) return NULL;
    UNLOCKED(code, b->evaluate(&bad, inside(r), m, P(secret), &how, P(elements), (size_t)size / 32));
    return code ? failed(r, code) : Py_BuildValue("Ny#l", r, m, (Py_ssize_t)32, bad);
}
/* How many bytes so many points take in the backend's own form. */
static Py_ssize_t own_form(const backend *b, Py_ssize_t count) {
    return (count + (Py_ssize_t)b->lanes - 1) / (Py_ssize_t)b->lanes * (Py_ssize_t)b->vector;
}
/* (backend, domain, seeds, index of the first, rho, blinded, answers) -> (sums, right, bad) */
static PyObject *verify(PyObject *self, PyObject *args) {
    (void)self;
    const char *name, *domain, *rho, *blinded;
    Py_ssize_t domain_size, first, rho_size, size;
    PyObject *seeds, *answers;
    if (!PyArg_ParseTuple(args, "sy#Ony#y#O", &name, &domain, &domain_size, &seeds, &first, &rho, &rho_size, &blinded,
                          &size, &answers))
        return NULL;
    const backend *b = find(name);
    if (!b || !is_weighing(domain_size, 0, first, size / 32)) return NULL;
    Py_ssize_t holders = PyTuple_Check(answers) ? PyTuple_Size(answers) : 0;
    if (size % 32 || holders < 1 || holders > 255 || rho_size != 64 * holders) return wrong("not two scalars a holder");
    bytes *seed = borrow(seeds, 0, holders), *answer = seed ? borrow(answers, 0, holders) : NULL;
    weighing how[255];
    const uint8_t *columns[255];
    int good = answer != NULL;
    for (Py_ssize_t i = 0; good && i < holders; i++) {
        how[i] = (weighing){{P(domain), (size_t)domain_size}, seed[i], (size_t)first};
        columns[i] = answer[i].at;
        if (answer[i].length != (size_t)size || seed[i].length > 65535) good = wrong("batches of different lengths") != NULL;
    }
    free(seed);
    free(answer);
    PyObject *r = good ? room(own_form(b, size / 32)) : NULL;
    if (!r) return NULL;
    uint8_t right[32];
    int code;
    long bad;
    UNLOCKED(code, b->verify(&bad, inside(r), right, how, P(rho), P(blinded), columns, (size_t)holders, (size_t)size / 32));
    return code ? failed(r, code) : Py_BuildValue("Ny#l", r, right, (Py_ssize_t)32, bad);
}
/* (backend, sums, index) -> element */
static PyObject *encode(PyObject *self, PyObject *args) {
    (void)self;
    const char *name, *sums;
    Py_ssize_t size, index;
    if (!PyArg_ParseTuple(args, "sy#n", &name, &sums, &size, &index)) return NULL;
    const backend *b = find(name);
    if (!b) return NULL;
    if (index < 0 || index >= size || own_form(b, index + 1) > size) return wrong("not so many points");
    PyObject *r = room(32);
    int code;
    if (!r) return NULL;
    UNLOCKED(code, b->encode(inside(r), P(sums), (size_t)index));
    return code ? failed(r, code) : r;
}
/* (backend, inputs, start, stop, blinds of all inputs, public key, sums of all inputs) -> list of outputs */
static PyObject *finalize(PyObject *self, PyObject *args) {
    (void)self;
    const char *name, *blinds, *key, *sums;
    Py_ssize_t start, stop, blinds_size, key_size, size;
    PyObject *tuple;
    if (!PyArg_ParseTuple(args, "sOnny#y#y#", &name, &tuple, &start, &stop, &blinds, &blinds_size, &key, &key_size, &sums,
                          &size))
        return NULL;
    const backend *b = find(name);
    bytes *inputs = b ? borrow(tuple, start, stop) : NULL;
    if (!inputs) return NULL;
    Py_ssize_t count = stop - start, all = PyTuple_Size(tuple);
    int right = size == own_form(b, all) && blinds_size == 32 * all && key_size == 32 && start % (Py_ssize_t)b->lanes == 0;
    for (Py_ssize_t i = 0; i < count; i++) right = right && inputs[i].length <= 65535;
    if (!right) {
        free(inputs);
        return wrong("not a blind and a sum for each input, or another key, input or start than can be");
    }
    uint8_t *outputs = malloc((size_t)count * 64 + 1);
    int code = NO_MEMORY;
    if (outputs)
        UNLOCKED(code, b->finalize(outputs, inputs, P(blinds) + 32 * start, P(key), P(sums) + own_form(b, start),
                                   (size_t)count));
    free(inputs);
    PyObject *list = code ? NULL : PyList_New(count);
    for (Py_ssize_t i = 0; list && i < count; i++) {
        PyObject *one = PyBytes_FromStringAndSize((const char *)outputs + 64 * i, 64);
        if (!one || PyList_SetItem(list, i, one) < 0) Py_CLEAR(list);
    }
    if (outputs) sluis_wipe(outputs, (size_t)count * 64);
    free(outputs);
    return code ? failed(NULL, code) : list;
}

/* Scalars: they need no backend. */

static PyObject *reduce_scalars(PyObject *self, PyObject *args) {
    (void)self;
    const char *wide;
    Py_ssize_t size;
    if (!PyArg_ParseTuple(args, "y#", &wide, &size)) return NULL;
    if (size % 64) return wrong("not 64 bytes each");
    PyObject *r = room(size / 2);
    if (!r) return NULL;
    uint8_t *to = inside(r);
    for (Py_ssize_t i = 0; i < size / 64; i++) scalar_store(to + 32 * i, scalar_load_wide(P(wide) + 64 * i));
    sluis_wipe_stack();
    return r;
}
typedef scalar (*operation)(scalar, scalar);
static PyObject *pairs(PyObject *args, operation apply) {
    const char *left, *right;
    Py_ssize_t size, right_size;
    if (!PyArg_ParseTuple(args, "y#y#", &left, &size, &right, &right_size)) return NULL;
    if (size % 32 || (right_size != 32 && right_size != size)) return wrong("two batches of different lengths");
    PyObject *r = room(size);
    if (!r) return NULL;
    uint8_t *to = inside(r);
    for (Py_ssize_t at = 0; at < size; at += 32)
        scalar_store(to + at, apply(scalar_load(P(left) + at), scalar_load(P(right) + (right_size == size ? at : 0))));
    sluis_wipe_stack();
    return r;
}
static PyObject *multiply_scalars(PyObject *self, PyObject *args) { return (void)self, pairs(args, scalar_multiply); }
static PyObject *add_scalars(PyObject *self, PyObject *args) { return (void)self, pairs(args, scalar_add); }
static PyObject *subtract_scalars(PyObject *self, PyObject *args) { return (void)self, pairs(args, scalar_subtract); }
static PyObject *invert_scalars(PyObject *self, PyObject *args) {
    (void)self;
    const char *from;
    Py_ssize_t size;
    if (!PyArg_ParseTuple(args, "y#", &from, &size)) return NULL;
    if (size % 32) return wrong("not 32 bytes each");
    PyObject *r = room(size);
    if (!r) return NULL;
    int code = scalar_invert_all(inside(r), P(from), (size_t)size / 32);
    sluis_wipe_stack();
    if (!code) return r;
    Py_DECREF(r);
    return wrong("zero has no inverse");
}

#define METHOD(name, text) {#name, name, METH_VARARGS, text}
static PyMethodDef METHODS[] = {
    {"names", names, METH_NOARGS, "The backends that this CPU can run, the fastest first."},
    METHOD(from_uniform, "(backend, wide) -> elements"),
    METHOD(hash_to_group, "(backend, domain, inputs, start, stop, blinds) -> elements"),
    METHOD(multiply, "(backend, scalars, elements) -> (products, bad)"),
    METHOD(add, "(backend, left, right) -> (sums, bad)"),
    METHOD(check, "(backend, elements) -> bad"),
    METHOD(public_sum, "(backend, scalars, elements) -> (sum, bad), for public values"),
    METHOD(weigh, "(backend, domain, seed, first, blinded, evaluated) -> weights"),
    METHOD(evaluate, "(backend, secret, domain, seed, first, elements) -> (evaluated, m, bad)"),
    METHOD(verify, "(backend, domain, seeds, first, rho, blinded, answers) -> (sums, right, bad)"),
    METHOD(encode, "(backend, sums, index) -> element"),
    METHOD(finalize, "(backend, inputs, start, stop, blinds, key, sums) -> outputs"),
    METHOD(reduce_scalars, "(wide) -> scalars"),
    METHOD(multiply_scalars, "(left, right) -> products"),
    METHOD(add_scalars, "(left, right) -> sums"),
    METHOD(subtract_scalars, "(left, right) -> differences"),
    METHOD(invert_scalars, "(scalars) -> inverses"),
    {NULL, NULL, 0, NULL},
};
static struct PyModuleDef MODULE = {PyModuleDef_HEAD_INIT, "_native", "ristretto255 in batches.", 0, METHODS, NULL, NULL, NULL, NULL};

PyMODINIT_FUNC PyInit__native(void) { return PyModule_Create(&MODULE); }
