/* What the two files of the program and its library share. */
extern __thread int theirs;
extern int shared_counter;
long call_other_same_name(void);
long other_counter(void);
int is_identity(long (*)(long));

extern int library_value, library_table[];
long library_function(long);
long library_decorated(int);
long library_own_thread(int);
long library_inner_threads(int);
long library_thread(int);
extern __thread long library_open_thread;
