/* simd: plain C that the compiler vectorises, compiled once more for machines with AVX2 where the
 * build allows it. Private to model and the trainer. */
#ifndef EAR_MODEL_SIMD_H
#define EAR_MODEL_SIMD_H

#include <stdbool.h>

/* Sanitizers instrument the resolvers that choose a clone, which run before they have started. */
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define EAR_SANITIZED 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer)
#define EAR_SANITIZED 1
#endif
#endif

#if defined(__x86_64__) && defined(__GNUC__) && !defined(__clang__) && !defined(EAR_SANITIZED)
#define EAR_CLONES __attribute__((target_clones("arch=x86-64-v3", "default"), optimize("O3")))
#else
#define EAR_CLONES
#endif

/* fmaxf and fminf are calls, for the sake of NaN; here all numbers are numbers. */
static inline float ear_more(float a, float b)
{
    return a > b ? a : b;
}
static inline float ear_less(float a, float b)
{
    return a < b ? a : b;
}

/* What compilers do not make of plain C: sixteen looks at once, and of their results those that
 * count packed together. Chosen while the program runs; machines without it do it one by one. */
#if defined(__x86_64__) && defined(__GNUC__)
#include <immintrin.h>
#define EAR_WIDE       __attribute__((target("avx512f,avx512bw,avx512vl,avx512vpopcntdq")))
#define EAR_WIDE_LANES 16

static inline bool ear_is_wide(void)
{
    return __builtin_cpu_supports("avx512bw") && __builtin_cpu_supports("avx512vl") &&
           __builtin_cpu_supports("avx512vpopcntdq");
}
#endif

#endif
