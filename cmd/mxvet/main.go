// Command mxvet audits a mail domain: is it safe from forgery, does its mail
// arrive, is it protected in transit.
package main

import "os"

func main() {
	limitMemory(os.Getenv)
	os.Exit(run(os.Args[1:], system()))
}
