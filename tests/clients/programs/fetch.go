// golang.org/x/net/proxy and net/http: fetch LIBRARY PROXY URL; prints the body.
package main

import (
	"io"
	"log"
	"net/http"
	"net/url"
	"os"

	"golang.org/x/net/proxy"
)

func main() {
	address, err := url.Parse(os.Args[2])
	check(err)
	answer, err := (&http.Client{Transport: transport(os.Args[1], address)}).Get(os.Args[3])
	check(err)
	_, err = io.Copy(os.Stdout, answer.Body)
	check(err)
}

func transport(library string, address *url.URL) *http.Transport {
	if library == "net/http" {
		return &http.Transport{Proxy: http.ProxyURL(address)}
	}
	dialer, err := proxy.FromURL(address, proxy.Direct)
	check(err)
	return &http.Transport{Dial: dialer.Dial}
}

func check(err error) {
	if err != nil {
		log.Fatal(err)
	}
}
