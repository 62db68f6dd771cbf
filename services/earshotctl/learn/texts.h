/* texts: what networks know of words before they learn, see skipgram.h: read from texts without
 * labels and from posts that only teach. None of it is, but for handles and signs, a post by which
 * a head is judged, so that it does not matter which of them a network may see. */
#ifndef EAR_LEARN_TEXTS_H
#define EAR_LEARN_TEXTS_H

#include "lessons.h"

/* Fills the lessons' words, once all posts are there and if any head has a network. */
void ear_texts_read(struct ear_lessons *lessons);

#endif
