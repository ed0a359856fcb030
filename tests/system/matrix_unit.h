/* In a folder that only the compiler's flags name. */
struct unit {
	int factor;
};
