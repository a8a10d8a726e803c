// Command mxvet audits a mail domain: can others forge it, does its mail
// arrive, is it protected in transit.
package main

import "os"

func main() {
	os.Exit(run(os.Args[1:], system()))
}
