// A window from which files can be dragged, as from a file manager: dragged FILE ...
#include <gtk/gtk.h>

static char **uris;

static void give(GtkWidget *from, GdkDragContext *context, GtkSelectionData *data, guint info, guint time, gpointer none) {
  gtk_selection_data_set_uris(data, uris);
}

int main(int count, char **files) {
  gtk_init(&count, &files);
  uris = g_new0(char *, count);
  for (int at = 1; at < count; at++) uris[at - 1] = g_filename_to_uri(files[at], NULL, NULL);
  GtkWidget *window = gtk_window_new(GTK_WINDOW_TOPLEVEL), *button = gtk_button_new_with_label("files");
  GtkTargetEntry target = {"text/uri-list", 0, 0};
  gtk_container_add(GTK_CONTAINER(window), button);
  gtk_drag_source_set(button, GDK_BUTTON1_MASK, &target, 1, GDK_ACTION_COPY);
  g_signal_connect(button, "drag-data-get", G_CALLBACK(give), NULL);
  gtk_window_set_title(GTK_WINDOW(window), "to be dragged");
  gtk_window_set_default_size(GTK_WINDOW(window), 120, 60);
  gtk_window_set_keep_above(GTK_WINDOW(window), TRUE);
  gtk_window_move(GTK_WINDOW(window), 20, 20);
  gtk_widget_show_all(window);
  gtk_main();
}
