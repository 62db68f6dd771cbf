#include "turns.h"

#include "base/base.h"
#include <pthread.h>

#define THREADS 2

struct thread {
    size_t first, count; /* every THREADS-th job from the first on */
    void (*turn)(const void *self, size_t job);
    const void *self;
    pthread_t id;
    bool started;
};

static void *take_turns(void *arg)
{
    const struct thread *thread = arg;
    for (size_t job = thread->first; job < thread->count; job += THREADS)
        thread->turn(thread->self, job);
    return NULL;
}

/* Where no thread can be had, this one does its jobs. */
void ear_turns(size_t count, void (*turn)(const void *self, size_t job), const void *self)
{
    struct thread threads[THREADS];
    for (size_t i = 0; i < THREADS; i++)
        threads[i] = (struct thread){.first = i, .count = count, .turn = turn, .self = self};
    for (size_t i = 1; i < THREADS && i < count; i++)
        threads[i].started = pthread_create(&threads[i].id, NULL, take_turns, &threads[i]) == 0;
    take_turns(&threads[0]);
    for (size_t i = 1; i < THREADS; i++)
        if (threads[i].started)
            pthread_join(threads[i].id, NULL);
        else
            take_turns(&threads[i]);
}
