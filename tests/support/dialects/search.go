package main

import (
	"encoding/hex"
	"fmt"
	"io"
	"os"
	"regexp"
	"strconv"
	"strings"
)

func main() {
	input, _ := io.ReadAll(os.Stdin)
	lines := strings.Split(strings.TrimSuffix(string(input), "\n"), "\n")
	forms, _ := strconv.Atoi(lines[0])
	for form := 0; form < forms; form++ {
		pattern := regexp.MustCompile(lines[1+2*form])
		refused := regexp.MustCompile(lines[2+2*form])
		for _, line := range lines[1+2*forms:] {
			text, _ := hex.DecodeString(line)
			if pattern.Match(text) && !refused.Match(text) {
				fmt.Print("1")
			} else {
				fmt.Print("0")
			}
		}
	}
}
