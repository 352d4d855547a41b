/** The signed-in user, for tests. */
export default '005000000000001AAA';
