// Scalar types of the simulated kernels: narrow floats hold their bits and compute through float.
#pragma once
#include <stdint.h>
#include <string.h>

typedef int8_t i8;
typedef int16_t i16;
typedef int32_t i32;
typedef int64_t i64;
typedef uint8_t u8;
typedef uint16_t u16;
typedef uint32_t u32;
typedef uint64_t u64;

static inline float float_of_bits(u32 u) { float f; memcpy(&f, &u, 4); return f; }
static inline u32 bits_of_float(float f) { u32 u; memcpy(&u, &f, 4); return u; }

// Rounds to nearest even; NaN, overflow and -0 as torch does. Compiled once, in the runtime object.
u16 f16_bits(float f);
u16 bf16_bits(float f);
u8 e4m3_bits(float f);
u8 e5m2_bits(float f);
float e4m3_value(u8 b);
float e5m2_value(u8 b);
// A power of two: rounded up, the sign dropped, as TileLang casts on the device. NaN is 0xff, nothing is infinite.
u8 e8m0_bits(float f);
float e8m0_value(u8 b);
// The upper 19 bits of a float, ties away from zero.
u32 tf32_bits(float f);

// a * b + c of 16-bit floats, to the neighbour with an odd last bit: rounded to 16 bits, it is as if rounded once.
float odd_fma(float a, float b, float c);

static inline float f16_value(u16 h) {
    u32 sign = (u32)(h & 0x8000) << 16, exponent = (h >> 10) & 31, fraction = h & 1023;
    if (exponent == 0) return float_of_bits(bits_of_float((float)fraction * 5.9604644775390625e-08f) | sign);
    if (exponent == 31) return float_of_bits(sign | 0x7f800000u | (fraction << 13));
    return float_of_bits(sign | ((exponent + 112) << 23) | (fraction << 13));
}

struct f16 {
    u16 bits;
    f16() = default;
    explicit f16(float f) : bits(f16_bits(f)) {}
    operator float() const { return f16_value(bits); }
};
struct bf16 {
    u16 bits;
    bf16() = default;
    explicit bf16(float f) : bits(bf16_bits(f)) {}
    operator float() const { return float_of_bits((u32)bits << 16); }
};
struct e4m3 {
    u8 bits;
    e4m3() = default;
    explicit e4m3(float f) : bits(e4m3_bits(f)) {}
    operator float() const { return e4m3_value(bits); }
};
struct e5m2 {
    u8 bits;
    e5m2() = default;
    explicit e5m2(float f) : bits(e5m2_bits(f)) {}
    operator float() const { return e5m2_value(bits); }
};
struct e8m0 {
    u8 bits;
    e8m0() = default;
    explicit e8m0(float f) : bits(e8m0_bits(f)) {}
    operator float() const { return e8m0_value(bits); }
};
struct tf32 {
    u32 bits;
    tf32() = default;
    explicit tf32(float f) : bits(tf32_bits(f)) {}
    operator float() const { return float_of_bits(bits); }
};
template <class T> static inline T fused(float a, float b, float c) { return T(odd_fma(a, b, c)); }

enum DType { F16, BF16, F32, F64, E4M3, E5M2, E8M0, TF32, I8, I16, I32, I64, U8, U16, U32, U64, BOOL };

// Float to integer as the device does: towards zero, saturating, NaN to 0.
template <class To> static inline To saturate(double v, double lo, double hi, To least, To most) {
    if (v != v) return 0;
    if (v <= lo) return least;
    if (v >= hi) return most;
    return (To)v;
}
template <class To> struct Convert {};
#define NARROW_FLOAT(T) \
    template <> struct Convert<T> { \
        static T from(float v) { return T(v); } \
        static T from(double v) { return T((float)v); } \
        template <class From> static T from(From v) { return T((float)v); } \
    };
NARROW_FLOAT(f16)
NARROW_FLOAT(bf16)
NARROW_FLOAT(e4m3)
NARROW_FLOAT(e5m2)
NARROW_FLOAT(e8m0)
NARROW_FLOAT(tf32)
#undef NARROW_FLOAT
template <> struct Convert<float> { template <class From> static float from(From v) { return (float)v; } };
template <> struct Convert<double> { template <class From> static double from(From v) { return (double)v; } };
template <> struct Convert<bool> { template <class From> static bool from(From v) { return v != 0; } };
#define INTEGER(T, lo, hi) \
    template <> struct Convert<T> { \
        static T from(double v) { return saturate<T>(v, (double)(lo), (double)(hi), lo, hi); } \
        static T from(float v) { return from((double)v); } \
        static T from(f16 v) { return from((double)v); } \
        static T from(bf16 v) { return from((double)v); } \
        static T from(e4m3 v) { return from((double)v); } \
        static T from(e5m2 v) { return from((double)v); } \
        static T from(e8m0 v) { return from((double)v); } \
        static T from(tf32 v) { return from((double)v); } \
        template <class From> static T from(From v) { return (T)v; } \
    };
INTEGER(i8, INT8_MIN, INT8_MAX)
INTEGER(i16, INT16_MIN, INT16_MAX)
INTEGER(i32, INT32_MIN, INT32_MAX)
INTEGER(i64, INT64_MIN, INT64_MAX)
INTEGER(u8, 0, UINT8_MAX)
INTEGER(u16, 0, UINT16_MAX)
INTEGER(u32, 0u, UINT32_MAX)
INTEGER(u64, 0ull, UINT64_MAX)
#undef INTEGER
template <class To, class From> static inline To cvt(From v) { return Convert<To>::from(v); }
template <class To, class From> static inline To reinterpret(From v) {
    static_assert(sizeof(To) == sizeof(From), "reinterpret keeps the width");
    To out;
    memcpy(&out, &v, sizeof(To));
    return out;
}

// Division that never traps: the device gives garbage, the simulator 0.
template <class T> static inline T div_trunc(T a, T b) { return b == 0 ? 0 : b == (T)-1 ? (T)(0 - a) : a / b; }
template <class T> static inline T mod_trunc(T a, T b) { return b == 0 || b == (T)-1 ? 0 : a % b; }
template <class T> static inline T div_floor(T a, T b) {
    T q = div_trunc(a, b);
    return b != 0 && (a < 0) != (b < 0) && q * b != a ? q - 1 : q;
}
template <class T> static inline T mod_floor(T a, T b) { return b == 0 ? 0 : a - div_floor(a, b) * b; }
template <class T> static inline T least(T a, T b) { return b < a ? b : a; }
template <class T> static inline T most(T a, T b) { return a < b ? b : a; }
