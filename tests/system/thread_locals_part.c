__thread int elsewhere = 7;
