/* A folder of a test, with all that is in it. */
#ifndef ATT_TEST_REMOVE_TREE_H
#define ATT_TEST_REMOVE_TREE_H

/* Links are removed and not followed; what cannot be removed stays, without a word. */
void remove_tree(const char *folder);

#endif
