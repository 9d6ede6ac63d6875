// Unpacks archives with Go's own packages: a line `format<TAB>file<TAB>folder` in, a line `ok` or `error …` out.
package main

import (
	"archive/tar"
	"archive/zip"
	"bufio"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
)

func main() {
	lines := bufio.NewScanner(os.Stdin)
	for lines.Scan() {
		fields := strings.Split(lines.Text(), "\t")
		unpack := untar
		if fields[0] == "zip" {
			unpack = unzip
		}
		answer := "ok"
		if err := unpack(fields[1], fields[2]); err != nil {
			answer = "error " + strings.ReplaceAll(err.Error(), "\n", " ")
		}
		fmt.Println(answer)
	}
}

func untar(file, folder string) error {
	in, err := os.Open(file)
	if err != nil {
		return err
	}
	defer in.Close()
	archive := tar.NewReader(in)
	for {
		header, err := archive.Next()
		if err == io.EOF {
			return nil
		}
		if err != nil {
			return err
		}
		switch header.Typeflag {
		case tar.TypeXGlobalHeader:
		case tar.TypeDir:
			err = makeFolder(folder, header.Name)
		case tar.TypeSymlink:
			err = makeLink(folder, header.Name, header.Linkname)
		case tar.TypeLink:
			err = copyOf(folder, header.Name, header.Linkname)
		case tar.TypeReg, tar.TypeCont, tar.TypeGNUSparse:
			err = makeFile(folder, header.Name, archive)
		default:
			err = fmt.Errorf("%s has type %q", header.Name, header.Typeflag)
		}
		if err != nil {
			return err
		}
	}
}

func unzip(file, folder string) error {
	archive, err := zip.OpenReader(file)
	if err != nil {
		return err
	}
	defer archive.Close()
	for _, entry := range archive.File {
		if err := unzipEntry(folder, entry); err != nil {
			return err
		}
	}
	return nil
}

func unzipEntry(folder string, entry *zip.File) error {
	if entry.FileInfo().IsDir() {
		return makeFolder(folder, entry.Name)
	}
	content, err := entry.Open()
	if err != nil {
		return err
	}
	defer content.Close()
	if entry.Mode()&os.ModeSymlink == 0 {
		return makeFile(folder, entry.Name, content)
	}
	target, err := io.ReadAll(content)
	if err != nil {
		return err
	}
	return makeLink(folder, entry.Name, string(target))
}

// Where an entry goes; whatever does not stay inside is refused.
func at(folder, name string) (string, error) {
	if !filepath.IsLocal(name) {
		return "", fmt.Errorf("%q is not local", name)
	}
	path := filepath.Join(folder, name)
	return path, os.MkdirAll(filepath.Dir(path), 0o755)
}

func makeFolder(folder, name string) error {
	path, err := at(folder, name)
	if err != nil {
		return err
	}
	return os.MkdirAll(path, 0o755)
}

func makeFile(folder, name string, content io.Reader) error {
	path, err := free(folder, name)
	if err != nil {
		return err
	}
	out, err := os.Create(path)
	if err != nil {
		return err
	}
	defer out.Close()
	_, err = io.Copy(out, content)
	return err
}

func makeLink(folder, name, target string) error {
	path, err := free(folder, name)
	if err != nil {
		return err
	}
	return os.Symlink(target, path)
}

func copyOf(folder, name, target string) error {
	from, err := at(folder, target)
	if err != nil {
		return err
	}
	path, err := at(folder, name)
	if err != nil || path == from {
		return err
	}
	os.Remove(path)
	return os.Link(from, path)
}

// A place that nothing has, as an earlier entry of the same name is replaced.
func free(folder, name string) (string, error) {
	path, err := at(folder, name)
	if err != nil {
		return "", err
	}
	if err := os.Remove(path); err != nil && !os.IsNotExist(err) {
		return "", err
	}
	return path, nil
}
