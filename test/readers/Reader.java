import java.io.BufferedReader;
import java.io.InputStream;
import java.io.InputStreamReader;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.util.Collections;
import java.util.zip.ZipEntry;
import java.util.zip.ZipFile;

/** Unpacks zips with the JDK's own reader: a line `format<TAB>file<TAB>folder` in, a line `ok` or `error …` out. */
public final class Reader {
  public static void main(String[] arguments) throws Exception {
    var lines = new BufferedReader(new InputStreamReader(System.in, StandardCharsets.UTF_8));
    for (String line = lines.readLine(); line != null; line = lines.readLine()) {
      String[] fields = line.split("\t");
      String answer = "ok";
      try {
        unzip(Path.of(fields[1]), Path.of(fields[2]));
      } catch (Exception error) { // whatever it says of an archive, it did not read it
        answer = "error " + error.toString().replace('\n', ' ');
      }
      System.out.println(answer);
      System.out.flush();
    }
  }

  private static void unzip(Path file, Path folder) throws Exception {
    try (ZipFile archive = new ZipFile(file.toFile())) {
      for (ZipEntry entry : Collections.list(archive.entries())) {
        Path path = folder.resolve(entry.getName()).normalize();
        if (!path.startsWith(folder)) throw new IllegalArgumentException(entry.getName());
        if (entry.isDirectory()) {
          Files.createDirectories(path);
          continue;
        }
        Files.createDirectories(path.getParent());
        try (InputStream content = archive.getInputStream(entry)) {
          Files.copy(content, path, StandardCopyOption.REPLACE_EXISTING);
        }
      }
    }
  }
}
