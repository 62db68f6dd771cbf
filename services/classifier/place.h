/* place: where the shipped files lie: share/earshot beside the folder of the program. */
#ifndef EAR_CLASSIFIER_PLACE_H
#define EAR_CLASSIFIER_PLACE_H

/* The shipped model, allocated for the caller; NULL where none is installed. */
char *ear_place_shipped(void);

#endif
